namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// What the page may read and change through the Monitor, as paths of the API. Keys are neither made nor shown in a browser, and nothing
/// else of the API can be reached.
/// </summary>
internal static class OpsRoutes
{
    public static readonly string[] Reads =
    [
        "snapshot", "circuits", "bulkheads", "replicas", "events", "events/summary", "conditions", "alerts", "schedule", "slo", "knobs",
        "audit", "tool-cache", "replay-keys", "tool-jobs", "tool-jobs/{id:guid}", "tool-jobs/dead-letters", "tool-jobs/dead-letters/groups",
        "tool-jobs/dead-letters/count", "tool-jobs/dead-letters/changes", "tool-jobs/dead-letters/changes/{id:guid}",
        "turns", "turns/{id}", "timeline", "routes", "callers",
    ];

    public static readonly (string Method, string Path)[] Changes =
    [
        ("PUT", "knobs/{name}"), ("DELETE", "knobs/{name}"), ("POST", "admission/{mode}"),
        ("POST", "circuits/{provider}/isolate"), ("POST", "circuits/{provider}/close"),
        ("POST", "routes/{id}/drain"), ("POST", "routes/{id}/test"), ("POST", "routes/models"),
        ("POST", "replicas/{id}/release"), ("POST", "replicas/{id}/drain"), ("POST", "replicas/{id}/resume"),
        ("POST", "replicas/{id}/restart"),
        ("POST", "callers/block"), ("POST", "callers/unblock"),
        ("POST", "clean-ups/{name}"), ("POST", "tool-cache/clear"),
        ("POST", "alerts/{id:long}/acknowledge"), ("POST", "schedule/{name}/run"),
        ("POST", "tool-jobs/dead-letters/changes"), ("POST", "tool-jobs/dead-letters/changes/{id:guid}/cancel"),
        ("POST", "tool-jobs/dead-letters/requeue"), ("POST", "tool-jobs/dead-letters/discard"),
    ];

    public static void Map(WebApplication app)
    {
        var ops = app.MapGroup("/api/ops").AddEndpointFilter(OwnPage.FilterAsync);
        foreach (var read in Reads)
        {
            ops.MapGet(read, ForwardAsync);
        }

        foreach (var (method, path) in Changes)
        {
            ops.MapMethods(path, [method], ForwardAsync);
        }
    }

    private static async Task<IResult> ForwardAsync(
        HttpContext http, SessionCookie cookie, OpsForwarder api, LiveFeed feed, CancellationToken cancellationToken)
    {
        if (cookie.Read(http) is not { } session)
        {
            return Refusal.SignedOut();
        }

        using var response = await api.ForwardAsync(http, session.Key, cancellationToken);
        if (response is null)
        {
            return Refusal.ApiIsAway();
        }

        if ((int)response.StatusCode == StatusCodes.Status401Unauthorized)
        {
            // The key was revoked.
            cookie.Delete(http);
        }
        else if (response.IsSuccessStatusCode && !HttpMethods.IsGet(http.Request.Method))
        {
            feed.ReadAgain();
        }

        return await OpsForwarder.RelayAsync(http, response, cancellationToken);
    }
}
