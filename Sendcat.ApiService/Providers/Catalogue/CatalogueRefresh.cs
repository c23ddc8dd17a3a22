using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>
/// Fetches the provider's catalogue at start, because prices decide which caller may use which model. Later it fetches again when the
/// catalogue is used and stale. Only one fetch runs at a time, and no chat turn waits for it.
/// </summary>
internal sealed class CatalogueRefresh(
    ModelCatalogue catalogue, OpenRouterClient client, IOptionsMonitor<ProviderRouteOptions> options,
    IOptionsMonitor<OpenRouterOptions> account, TimeProvider time,
    ILogger<CatalogueRefresh> logger)
    : BackgroundService
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan NegativeTimeToLive = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.CurrentValue.CatalogueEnabled && account.CurrentValue.ApiKey.Length > 0)
        {
            // This fetch is part of the start, like the fetches of knobs and keys, and gets no trace.
            await RefreshAsync(stoppingToken);
        }

        await new BackgroundLoop("Refreshing of the model catalogue", logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await catalogue.WaitForRefreshRequestAsync(cancellationToken);
                using var round = BackgroundRound.Start("refresh model catalogue");
                await RefreshAsync(cancellationToken);
            },
            stoppingToken);
    }

    internal async Task RefreshAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(FetchTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var provider = account.CurrentValue;
            using var json = await client.ModelsAsync(provider.BaseUrl, provider.ApiKey, either.Token);
            var models = CatalogueReader.Read(json.RootElement);
            catalogue.ApplyRefresh(models, ModelCatalogue.TimeToLive);
            logger.CatalogueRefreshed(models.Count);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Every failure is caught: the built-in table is still available.
            catalogue.ApplyRefresh(null, NegativeTimeToLive);
            logger.CatalogueNotRefreshed(e.GetType().Name);
        }
    }
}
