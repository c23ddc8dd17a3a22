using System.Text.Json;
using System.Text.Json.Nodes;
using Sendcat.Monitor.Ops;
using Sendcat.Monitor.Watch;
using Sendcat.Reliability.Timing;

namespace Sendcat.Monitor.WebConsole;

/// <summary>Reads the sections with the viewer key while somebody looks: once for all viewers of this Monitor.</summary>
internal sealed class LiveReader(
    LiveFeed feed, OpsForwarder api, ObservationHistory history, IConfiguration configuration, TimeProvider clock,
    ILogger<LiveReader> logger) : BackgroundService
{
    private const string ViewerKey = "OPS_VIEWER_KEY";
    private const string Apis = "apis";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
    [
        .. LiveSection.All.Select(section =>
            new BackgroundLoop("Reading of the sections", logger, clock).RepeatAsync(token => RoundAsync(section, token), stoppingToken)),
    ]);

    private async Task RoundAsync(LiveSection section, CancellationToken cancellationToken)
    {
        await feed.WantedAsync(cancellationToken);
        var pause = await ReadAsync(section, cancellationToken);
        await feed.PauseAsync(pause, cancellationToken);
    }

    /// <returns>The time until the next read.</returns>
    private async Task<TimeSpan> ReadAsync(LiveSection section, CancellationToken cancellationToken)
    {
        if (section.Name == LiveSection.Health)
        {
            var probes = ConsoleStatus.Of(history, clock.GetUtcNow());
            feed.Publish(Apis, StatusCodes.Status200OK, JsonSerializer.SerializeToNode(probes, JsonSerializerOptions.Web), null);
        }

        using var deadline = new CancellationTokenSource(Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var key = configuration[ViewerKey] is { Length: > 0 } configured ? configured : OpsKeyFile.Find();
            using var response = await api.GetAsync(section.Path, key, either.Token);
            if (response is null)
            {
                feed.Publish(section.Name, 0, null, "The API does not respond");
                return section.Every;
            }

            var status = (int)response.StatusCode;
            // The health check answers 503 when turns cannot start, and says why.
            var data = response.Content.Headers.ContentType?.MediaType == "application/json"
                ? await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(either.Token), cancellationToken: either.Token)
                : null;
            feed.Publish(section.Name, status, data, data is null ? $"The API answers with status {status}" : null);
            return status == StatusCodes.Status404NotFound ? LiveSection.Missing : section.Every;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            feed.Publish(section.Name, 0, null, $"The API does not respond within {Timeout.TotalSeconds:0} s");
        }
        catch (Exception failure) when (failure is JsonException or HttpRequestException or IOException)
        {
            feed.Publish(section.Name, 0, null, "The response cannot be read");
        }

        return section.Every;
    }
}
