using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace Sendcat.Monitor.WebConsole;

/// <summary><c>/api/live</c>: the feed as server-sent events. It ends when the key is revoked or the session expires.</summary>
internal static class LiveEndpoint
{
    private const string SignedOutEvent = "signed-out";

    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(30);

    public static void Map(WebApplication app) => app.MapGet("/api/live", Follow).AddEndpointFilter(OwnPage.FilterAsync);

    private static IResult Follow(
        HttpContext http, SessionCookie cookie, LiveFeed feed, OpsForwarder api, TimeProvider clock, IHostApplicationLifetime host)
    {
        if (cookie.Read(http) is not { } session)
        {
            return Refusal.SignedOut();
        }

        http.Response.Headers["X-Accel-Buffering"] = "no";
        http.Response.Headers.CacheControl = "no-store, no-transform";
        return Results.ServerSentEvents(FollowAsync(http, session, feed, api, clock, host.ApplicationStopping));
    }

    private static async IAsyncEnumerable<SseItem<string>> FollowAsync(
        HttpContext http, ConsoleSession session, LiveFeed feed, OpsForwarder api, TimeProvider clock, CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping, cancellationToken);
        var checkedAt = DateTimeOffset.MinValue;
        await using var events = feed.FollowAsync(either.Token).GetAsyncEnumerator(either.Token);
        while (await NextAsync(events))
        {
            var now = clock.GetUtcNow();
            if (now >= session.ExpiresAt || (now - checkedAt >= CheckInterval && !await IsValidAsync(http, session, api, either.Token)))
            {
                yield return new("{}", SignedOutEvent);
                yield break;
            }

            checkedAt = now - checkedAt >= CheckInterval ? now : checkedAt;
            yield return events.Current;
        }
    }

    /// <summary>A key stays valid while the API does not respond: the operator needs the page then.</summary>
    private static async Task<bool> IsValidAsync(
        HttpContext http, ConsoleSession session, OpsForwarder api, CancellationToken cancellationToken)
    {
        using var response = await api.CallerAsync(http, session.Key, cancellationToken);
        return response is null
            || (int)response.StatusCode is not (StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests);
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (OperationCanceledException)
        {
            // The viewer has left, or the Monitor stops.
            return false;
        }
    }
}
