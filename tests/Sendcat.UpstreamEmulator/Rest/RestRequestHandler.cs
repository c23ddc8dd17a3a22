using System.Globalization;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>
/// Handles every request of a JSON upstream: it counts the request, parses its markers, and responds as the markers request.
/// </summary>
internal sealed class RestRequestHandler(
    EmulatorStats stats,
    RequestLog log,
    StandingDirections<RestDirections> standing,
    AttemptCounter attempts,
    TimerWheel wheel,
    TimeProvider clock)
{
    public async Task ServeAsync(HttpContext http, IRestUpstream upstream, RestRequest request)
    {
        log.Add(http.Request, request.Body);
        var call = stats.Start(upstream.Name, request.Route);
        try
        {
            var (directions, answer) = Decide(upstream, request);
            if (answer.Status is 429 or 503 || directions.Status is not null)
            {
                SetRetryAfter(http, directions);
            }

            await RestPlayer.PlayAsync(http, directions, answer, wheel, call);
        }
        finally
        {
            call.Broken(); // has no effect when the call has already ended in another way
        }
    }

    private (RestDirections Directions, RestResponse Answer) Decide(IRestUpstream upstream, RestRequest request)
    {
        var directions = new RestDirections();
        if (request.Refusal is { } refusal)
        {
            return (directions, refusal);
        }

        try
        {
            var (own, text) = RestMarkers.Language.Parse(request.Text);
            foreach (var block in standing.Blocks.Concat(own))
            {
                if (block.AppliesTo(upstream.Name, request.Route)
                    && attempts.StillApplies(block, $"{upstream.Name}/{request.Route}", request.Text))
                {
                    block.ApplyTo(directions);
                }
            }

            return (
                directions,
                directions.Status is { } status ? upstream.Refuse(status, directions.Message) : request.Answer(text, directions));
        }
        catch (FormatException e)
        {
            return (new(), upstream.Refuse(400, $"Emulator: {e.Message}"));
        }
    }

    private void SetRetryAfter(HttpContext http, RestDirections directions)
    {
        if (directions.RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        else if (directions.RetryAfterDateSeconds is { } later)
        {
            http.Response.Headers.RetryAfter = clock.GetUtcNow().AddSeconds(later).ToString("R", CultureInfo.InvariantCulture);
        }
    }
}

internal static class RestServices
{
    public static IServiceCollection AddRest(this IServiceCollection services) =>
        services.AddSingleton(RestMarkers.Language).AddSingleton<StandingDirections<RestDirections>>().AddSingleton<RestRequestHandler>();

    public static void MapRest(this WebApplication app) => app.MapDirections<RestDirections>("/rest/emulator");
}
