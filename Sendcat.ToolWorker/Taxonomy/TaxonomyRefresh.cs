using Microsoft.Extensions.Options;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;
using Sendcat.ToolWorker.Schedule;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Fetches eBay's categories when the stored tree is 720 hours old by the database clock, so restarts and replicas neither skip nor repeat
/// a fetch. The schedule checks every hour; an operator's request fetches them at once.
/// </summary>
internal sealed class TaxonomyRefresh(
    EbayTaxonomy taxonomy, CategoryStore store, TaxonomyRequests requests, IOptionsMonitor<EbayOptions> options, TimeProvider time,
    ILogger<TaxonomyRefresh> logger) : BackgroundService
{
    private static readonly TimeSpan RefreshAge = TimeSpan.FromHours(720);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);

    /// <summary>How long it waits for a request before it subscribes again, if Redis was unavailable.</summary>
    private static readonly TimeSpan SubscribeInterval = TimeSpan.FromMinutes(1);

    /// <summary>The hourly check, for the schedule.</summary>
    public static ScheduledJob Job(IServiceProvider provider) => new(
        "refresh-ebay-taxonomy", "Fetches eBay's categories when they are 720 hours old.", CheckInterval,
        async (isRequested, cancellationToken) =>
        {
            var refresh = provider.GetRequiredService<TaxonomyRefresh>();
            return !refresh.IsConfigured ? new("EBAY_CLIENT_ID is not set", Changed: false)
                : await refresh.TryRefreshAsync(cancellationToken, isRequested ? TimeSpan.Zero : null) ? new("fresh", Changed: false)
                : new("not refreshed", Changed: false) { IsSuccess = false };
        });

    private bool IsConfigured => options.CurrentValue.ClientId.Length > 0;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Refreshing of eBay's categories", logger, time).RepeatAsync(ServeRequestAsync, stoppingToken);

    private async Task ServeRequestAsync(CancellationToken cancellationToken)
    {
        if (await requests.NextAsync(SubscribeInterval, cancellationToken) is { } at && IsConfigured)
        {
            // A tree that another worker has fetched since the request is new enough.
            await TryRefreshAsync(cancellationToken, time.GetElapsedTime(at));
        }
    }

    internal async Task<bool> TryRefreshAsync(CancellationToken cancellationToken, TimeSpan? maximumAge = null)
    {
        var marketplace = options.CurrentValue.MarketplaceId;
        try
        {
            return await store.RefreshAsync(marketplace, maximumAge ?? RefreshAge, FetchAsync, cancellationToken);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            logger.TaxonomyNotRefreshed(marketplace, exception.Message);
            return false;
        }

        async Task<CategoryTree?> FetchAsync(CancellationToken fetchCancellation)
        {
            using var round = BackgroundRound.Start("fetch ebay categories");
            var response = await taxonomy.FetchAsync(marketplace, fetchCancellation);
            if (!response.IsSuccess)
            {
                logger.TaxonomyNotRefreshed(marketplace, response.Error.Message);
                return null;
            }

            logger.TaxonomyRefreshed(marketplace, response.Value.Categories.Count);
            return response.Value;
        }
    }
}

internal static class TaxonomyFeature
{
    public static IServiceCollection AddTaxonomy(this IServiceCollection services) =>
        services
            .AddSingleton<EbayTaxonomy>()
            .AddSingleton<CategoryStore>()
            .AddSingleton<TaxonomyRequests>()
            .AddSingleton<TaxonomyRefresh>()
            .AddSingleton(TaxonomyRefresh.Job)
            .AddHostedService(provider => provider.GetRequiredService<TaxonomyRefresh>());
}

/// <summary>Event ids 7200–7299.</summary>
internal static partial class TaxonomyLog
{
    [LoggerMessage(7201, LogLevel.Information, "{Count} categories of {Marketplace} fetched")]
    public static partial void TaxonomyRefreshed(this ILogger logger, string marketplace, int count);

    [LoggerMessage(7202, LogLevel.Warning, "Categories of {Marketplace} not refreshed: {Error}")]
    public static partial void TaxonomyNotRefreshed(this ILogger logger, string marketplace, string error);
}
