using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>Fetches the provider's catalogue when it is asked for and stale: one fetch at a time, never on the way of a chat turn.</summary>
internal sealed class CatalogueRefresh(
    ModelCatalogue catalogue, OpenRouterClient client, IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time, ILogger<CatalogueRefresh> logger)
    : BackgroundService
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NegativeTimeToLive = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await catalogue.WantedAsync(stoppingToken);
            await RefreshAsync(stoppingToken);
        }
    }

    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        using var round = BackgroundRound.Start("refresh model catalogue");
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var knobs = options.CurrentValue;
            using var json = await client.ModelsAsync(knobs.BaseUrl, knobs.ApiKey, either.Token);
            var tools = ToolSupport(json.RootElement);
            catalogue.Refreshed(tools, ModelCatalogue.TimeToLive);
            logger.CatalogueRefreshed(tools.Count);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever a foreign catalogue does wrong, the table still answers; and a background service that throws stops the host.
            catalogue.Refreshed(null, NegativeTimeToLive);
            logger.CatalogueNotRefreshed(e.GetType().Name);
        }
    }

    /// <summary>Models whose entry says nothing about parameters are left to the table.</summary>
    private static Dictionary<string, bool> ToolSupport(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("No list of models");
        }

        var tools = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var model in data.EnumerateArray().Where(model => model.ValueKind == JsonValueKind.Object))
        {
            if (model.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && ModelCatalogue.IsModelId(id.GetString())
                && model.TryGetProperty("supported_parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Array)
            {
                tools[id.GetString()!] = parameters.EnumerateArray().Any(name => name.ValueKind == JsonValueKind.String && name.ValueEquals("tools"u8));
            }
        }

        return tools;
    }
}
