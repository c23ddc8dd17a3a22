using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>Fetches the provider's catalogue at start, since prices decide who may ask which model, and then when it is asked for and stale: one fetch at a time, never on the way of a chat turn.</summary>
internal sealed class CatalogueRefresh(
    ModelCatalogue catalogue, OpenRouterClient client, IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time, ILogger<CatalogueRefresh> logger)
    : BackgroundService
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NegativeTimeToLive = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.CurrentValue is { CatalogueEnabled: true, ApiKey.Length: > 0 })
        {
            // Part of the start, like the fetches of knobs and keys: not worth a trace.
            await RefreshAsync(stoppingToken);
        }

        while (!stoppingToken.IsCancellationRequested)
        {
            await catalogue.WantedAsync(stoppingToken);
            using var round = BackgroundRound.Start("refresh model catalogue");
            await RefreshAsync(stoppingToken);
        }
    }

    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var knobs = options.CurrentValue;
            using var json = await client.ModelsAsync(knobs.BaseUrl, knobs.ApiKey, either.Token);
            var models = CatalogueReader.Read(json.RootElement);
            catalogue.Refreshed(models, ModelCatalogue.TimeToLive);
            logger.CatalogueRefreshed(models.Count);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever a foreign catalogue does wrong, the table still answers; and a background service that throws stops the host.
            catalogue.Refreshed(null, NegativeTimeToLive);
            logger.CatalogueNotRefreshed(e.GetType().Name);
        }
    }
}
