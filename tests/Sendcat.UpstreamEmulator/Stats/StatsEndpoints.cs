using System.Globalization;

namespace Sendcat.UpstreamEmulator.Stats;

internal static class StatsEndpoints
{
    /// <summary>The maximum of the <c>timeoutMs</c> parameter of <c>GET /stats/wait</c>.</summary>
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(5);

    public static void MapStats(this WebApplication app, EmulatorApp.Listeners listeners)
    {
        app.MapGet("/", () => Results.Redirect("/stats"));
        app.MapGet("/stats", (HttpRequest request, EmulatorStats stats) =>
            request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
                ? Results.Content(StatsPage.Render(stats.Snapshot(), listeners), "text/html; charset=utf-8")
                : Results.Json(stats.Snapshot()));
        app.MapPost("/stats/reset", (EmulatorStats stats, Markers.AttemptCounter attempts) =>
        {
            stats.Reset();
            attempts.Clear();
            return Results.NoContent();
        });
        app.MapGet("/stats/wait", WaitAsync);
    }

    /// <summary>
    /// Handles <c>GET /stats/wait?active=0&amp;aborted=64&amp;timeoutMs=5000</c>. It responds with 200 as soon as active is at most, and
    /// every other counter is at least, the given number. After the timeout (default 30 s) it responds with 408. Both responses contain the
    /// snapshot. <c>upstream=ebay</c> and <c>route=token</c> limit the counters to this upstream and route.
    /// </summary>
    private static async Task<IResult> WaitAsync(HttpContext http, EmulatorStats stats, TimeProvider clock)
    {
        var timeout = Number(http, "timeoutMs") is { } ms
            ? TimeSpan.FromMilliseconds(Math.Clamp(ms, 0, MaxTimeout.TotalMilliseconds))
            : TimeSpan.FromSeconds(30);
        using var deadline = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, http.RequestAborted);
        try
        {
            var (active, started, completed) = (Number(http, "active"), Number(http, "started"), Number(http, "completed"));
            var (refused, broken, aborted) = (Number(http, "refused"), Number(http, "broken"), Number(http, "aborted"));
            var (upstream, route) = (http.Request.Query["upstream"].ToString(), http.Request.Query["route"].ToString());
            return Results.Json(await stats.WaitForAsync(
                s => s.Of(upstream, route) is var counts
                    && counts.Active <= (active ?? long.MaxValue)
                    && counts.Started >= (started ?? 0)
                    && counts.Completed >= (completed ?? 0)
                    && counts.Refused >= (refused ?? 0) && counts.Broken >= (broken ?? 0) && counts.Aborted >= (aborted ?? 0),
                either.Token));
        }
        catch (OperationCanceledException)
        {
            return Results.Json(stats.Snapshot(), statusCode: StatusCodes.Status408RequestTimeout);
        }
    }

    private static long? Number(HttpContext http, string name) =>
        long.TryParse(http.Request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
