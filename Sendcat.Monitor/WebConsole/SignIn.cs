using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// <c>/api/session</c>: signs in with a personal key, returns who is signed in, signs out. The API checks the key and counts wrong ones, so
/// its limit holds for the console as well.
/// </summary>
internal static class SignIn
{
    private const int LongestBody = 2_048;
    private const int LongestKey = 512;

    public static void Map(WebApplication app)
    {
        var session = app.MapGroup("/api/session").AddEndpointFilter(OwnPage.FilterAsync);
        session.MapGet("", Who);
        session.MapPost("", EnterAsync);
        session.MapDelete("", Leave);
    }

    private static IResult Who(HttpContext http, SessionCookie cookie) =>
        cookie.Read(http) is { } session ? Results.Ok(SessionView.Of(session)) : Refusal.SignedOut();

    private static async Task<IResult> EnterAsync(
        HttpContext http, SessionCookie cookie, OpsForwarder api, ILogger<SessionCookie> logger, CancellationToken cancellationToken)
    {
        var given = await ReadAsync(http, cancellationToken);
        if (given?.Key?.Trim() is not { Length: > 0 and <= LongestKey } key || key.Any(character => character is < ' ' or > '~'))
        {
            return Refusal.Of(StatusCodes.Status400BadRequest, "invalid_request", "Enter your key");
        }

        using var response = await api.CallerAsync(http, key, cancellationToken);
        if (response is null)
        {
            return Refusal.ApiIsAway();
        }

        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (!response.IsSuccessStatusCode)
        {
            logger.SignInRefused(address, (int)response.StatusCode);
            return await OpsForwarder.RelayAsync(http, response, cancellationToken);
        }

        var caller = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        var session = cookie.Set(http, key, caller.Text("name") ?? "", caller.Text("role") ?? "");
        logger.SignedIn(session.Name, address);
        return Results.Ok(SessionView.Of(session));
    }

    private static IResult Leave(HttpContext http, SessionCookie cookie)
    {
        cookie.Delete(http);
        return Results.NoContent();
    }

    private static async Task<GivenKey?> ReadAsync(HttpContext http, CancellationToken cancellationToken)
    {
        if (!http.Request.HasJsonContentType() || http.Request.ContentLength is null or > LongestBody)
        {
            return null;
        }

        try
        {
            return await http.Request.ReadFromJsonAsync<GivenKey>(cancellationToken);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record GivenKey(string? Key);
}

/// <summary>Who is signed in. The key itself leaves the cookie only for the API.</summary>
internal sealed record SessionView(string Name, string Role, DateTimeOffset ExpiresAt)
{
    public static SessionView Of(ConsoleSession session) => new(session.Name, session.Role, session.ExpiresAt);
}
