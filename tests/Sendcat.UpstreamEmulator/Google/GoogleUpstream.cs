using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>
/// Emulates Google's OAuth endpoints under <c>/google</c>: the page on which a person chooses an account, the exchange of the code with PKCE,
/// and the keys that sign ID tokens.
/// </summary>
internal sealed class GoogleUpstream(RestRequestHandler handler, GoogleCodes codes, GoogleSigningKeys keys, TimeProvider clock) : IRestUpstream
{
    public const string AuthPath = "/google/o/oauth2/v2/auth";
    private const int TokenLifeSeconds = 3599;

    public string Name => "google";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        400 => OAuthError(400, "invalid_request", message ?? "Bad Request"),
        401 => OAuthError(401, "invalid_client", message ?? "Unauthorized"),
        >= 500 => OAuthError(status, "internal_failure", message ?? "Internal server error"),
        _ => OAuthError(status, "access_denied", message ?? "Request refused"),
    };

    /// <summary>
    /// Shows the page that asks for an account. With the parameter <c>account</c>, which that page adds and a test may add, it redirects with a
    /// code; with <c>deny</c> it redirects with <c>access_denied</c>.
    /// </summary>
    public async Task AuthorizeAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var refusal = !ApiKey.IsValid(query["client_id"]) ? "invalid_client: the client was not found"
            : !Uri.TryCreate(query["redirect_uri"], UriKind.Absolute, out var redirect) || redirect.Scheme is not ("http" or "https") ? "redirect_uri_mismatch"
            : query["response_type"] != "code" ? "unsupported_response_type"
            : query["scope"].Count != 1 ? "invalid_request: scope is missing"
            : query["code_challenge"].Count > 0 && query["code_challenge_method"] != "S256" ? "invalid_request: code_challenge_method must be S256"
            : null;
        if (refusal is not null)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await WriteHtmlAsync(http, AccountPage.Error(refusal));
        }
        else if (query["deny"].Count > 0)
        {
            Return(http, [("error", "access_denied"), ("state", query["state"])]);
        }
        else if (query["account"].ToString() is not { Length: > 0 } account)
        {
            await WriteHtmlAsync(http, AccountPage.Choose(AuthPath, query));
        }
        else
        {
            var code = codes.Issue(new(
                account, query["client_id"].ToString(), query["redirect_uri"].ToString(), query["code_challenge"], query["nonce"], query["scope"].ToString(),
                query["access_type"] == "offline"));
            Return(http, [("code", code), ("state", query["state"]), ("scope", query["scope"])]);
        }
    }

    public async Task TokenAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var (client, secret) = (form["client_id"].ToString(), form["client_secret"].ToString());
        var refusal = !ApiKey.IsValid(client) || !ApiKey.IsValid(secret) ? OAuthError(401, "invalid_client", "Unauthorized")
            : form["grant_type"] != "authorization_code" ? OAuthError(400, "unsupported_grant_type", "Invalid grant_type")
            : null;
        var code = form["code"].ToString();
        await handler.ServeAsync(http, this, new(
            "token", codes.AccountOf(code) ?? "", refusal, (account, directions) => Exchange(code, client, form, account, directions)));
    }

    public Task CertificatesAsync(HttpContext http) =>
        handler.ServeAsync(http, this, new("certs", "", null, (_, _) => RestResponse.Of(new { keys = keys.Published() })));

    private RestResponse Exchange(string code, string client, IFormCollection form, string account, RestDirections directions)
    {
        // As with Google, a code works once, also when the request that used it failed.
        if (codes.Take(code) is not { } granted || granted.Client != client)
        {
            return OAuthError(400, "invalid_grant", "Malformed auth code.");
        }

        if (granted.RedirectUri != form["redirect_uri"])
        {
            return OAuthError(400, "redirect_uri_mismatch", "Bad Request");
        }

        if (granted.Challenge is { } challenge && challenge != ChallengeOf(form["code_verifier"].ToString()))
        {
            return OAuthError(400, "invalid_grant", "Invalid code verifier.");
        }

        return RestResponse.Of(new
        {
            access_token = $"ya29.{Random()}",
            expires_in = TokenLifeSeconds,
            refresh_token = granted.Offline ? $"1//{Random()}" : null,
            scope = granted.Scope,
            token_type = "Bearer",
            id_token = granted.Scope.Split(' ').Contains("openid") && directions.IdToken is not IdTokenFault.Missing
                ? IdTokens.Sign(keys, granted, account, directions, clock.GetUtcNow())
                : null,
        });
    }

    private static void Return(HttpContext http, IEnumerable<(string Name, string? Value)> parameters)
    {
        var redirect = http.Request.Query["redirect_uri"].ToString();
        var query = string.Join('&', parameters.Where(one => one.Value is not null).Select(one => $"{one.Name}={Uri.EscapeDataString(one.Value!)}"));
        http.Response.Redirect($"{redirect}{(redirect.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{query}");
    }

    private static Task WriteHtmlAsync(HttpContext http, string html)
    {
        http.Response.ContentType = "text/html; charset=utf-8";
        return http.Response.WriteAsync(html, http.RequestAborted);
    }

    private static string ChallengeOf(string verifier) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(48));

    private static RestResponse OAuthError(int status, string error, string description) =>
        RestResponse.Of(new { error, error_description = description }, status);
}

internal static class GoogleRoutes
{
    public static void MapGoogle(this WebApplication app)
    {
        var google = app.Services.GetRequiredService<GoogleUpstream>();
        app.MapGet(GoogleUpstream.AuthPath, google.AuthorizeAsync);
        app.MapPost("/google/token", google.TokenAsync);
        app.MapGet("/google/oauth2/v3/certs", google.CertificatesAsync);
        app.MapPost("/rest/emulator/google/keys/rotate", (GoogleSigningKeys keys) =>
        {
            keys.Rotate();
            return Results.NoContent();
        });
    }
}
