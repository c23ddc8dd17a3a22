using Microsoft.Extensions.Options;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Fetches eBay's categories when the stored tree is 720 hours old by the database clock, so restarts and replicas neither skip nor repeat
/// a fetch. It also fetches them at once when an operator requests it.
/// </summary>
internal sealed class TaxonomyRefresh(
    EbayTaxonomy taxonomy, CategoryStore store, TaxonomyRequests requests, IOptionsMonitor<EbayOptions> options, TimeProvider time, ILogger<TaxonomyRefresh> logger) : BackgroundService
{
    private static readonly TimeSpan RefreshAge = TimeSpan.FromHours(720);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);
    private static readonly Backoff RetryDelays = new(TimeSpan.FromMinutes(1), CheckInterval);

    /// <summary>Delay after the start, until the schema exists and other replicas have finished.</summary>
    private static readonly TimeSpan StartDelay = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var requested = await requests.NextAsync(StartDelay, stoppingToken);
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            // A tree that another worker has fetched since the request is new enough.
            var age = requested is { } at ? time.GetElapsedTime(at) : RefreshAge;
            failures = options.CurrentValue.ClientId.Length == 0 || await TryRefreshAsync(stoppingToken, age) ? 0 : failures + 1;
            requested = await requests.NextAsync(Pause(failures), stoppingToken);
        }
    }

    /// <summary>
    /// The time until the next check: an hour; after failures one minute, doubled with each further one, up to an hour.
    /// </summary>
    /// <param name="failures">Consecutive failures. A refresh by another worker counts as a failure, because it may fail.</param>
    internal static TimeSpan Pause(int failures) => failures == 0 ? CheckInterval : RetryDelays.After(failures);

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
