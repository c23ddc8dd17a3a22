using System.Globalization;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>Where every question to a JSON upstream is counted, looked through for markers, and answered as they ask.</summary>
internal sealed class RestDesk(EmulatorStats stats, RequestLog log, StandingDirections<RestDirections> standing, AttemptLedger attempts, TimerWheel wheel, TimeProvider clock)
{
    public async Task ServeAsync(HttpContext http, IRestUpstream upstream, RestQuestion question)
    {
        log.Add(http.Request, question.Body);
        var call = stats.Start(upstream.Name, question.Route);
        try
        {
            var (directions, answer) = Decide(upstream, question);
            if (answer.Status is 429 or 503 || directions.Status is not null)
            {
                TellWhenToRetry(http, directions);
            }

            await RestPlayer.PlayAsync(http, directions, answer, wheel, call);
        }
        finally
        {
            call.Broken(); // counts only what has not ended in another way
        }
    }

    private (RestDirections Directions, RestAnswer Answer) Decide(IRestUpstream upstream, RestQuestion question)
    {
        var directions = new RestDirections();
        if (question.Refusal is { } refusal)
        {
            return (directions, refusal);
        }

        try
        {
            var (own, text) = RestMarkers.Language.Parse(question.Text);
            foreach (var block in standing.Blocks.Concat(own))
            {
                if (block.Concerns(upstream.Name, question.Route) && attempts.StillApplies(block, $"{upstream.Name}/{question.Route}", question.Text))
                {
                    block.ApplyTo(directions);
                }
            }

            return (directions, directions.Status is { } status ? upstream.Refuse(status, directions.Message) : question.Answer(text, directions));
        }
        catch (FormatException e)
        {
            return (new(), upstream.Refuse(400, $"Emulator: {e.Message}"));
        }
    }

    private void TellWhenToRetry(HttpContext http, RestDirections directions)
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
        services.AddSingleton(RestMarkers.Language).AddSingleton<StandingDirections<RestDirections>>().AddSingleton<RestDesk>();

    public static void MapRest(this WebApplication app) => app.MapDirections<RestDirections>("/rest/emulator");
}
