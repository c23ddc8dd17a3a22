using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Outbound.Ebay;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Fetches eBay's categories when they are 720 hours old, by the database's clock, so that restarts and replicas neither skip nor repeat it; and at once when an operator requests it.
/// </summary>
internal sealed class TaxonomyRefresh(
    EbayTaxonomy taxonomy, CategoryStore shelf, TaxonomyRequests requests, IOptionsMonitor<EbayOptions> options, TimeProvider time, ILogger<TaxonomyRefresh> logger) : BackgroundService
{
    private static readonly TimeSpan Age = TimeSpan.FromHours(720);
    private static readonly TimeSpan LookEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan TryAgain = TimeSpan.FromMinutes(1);

    /// <summary>Until the schema is there and other replicas are done.</summary>
    private static readonly TimeSpan AtFirst = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var requested = await requests.NextAsync(AtFirst, stoppingToken);
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            // What another worker has fetched since the request is new enough.
            var age = requested is { } at ? time.GetElapsedTime(at) : Age;
            failures = options.CurrentValue.ClientId.Length == 0 || await TryRefreshAsync(stoppingToken, age) ? 0 : failures + 1;
            requested = await requests.NextAsync(Pause(failures), stoppingToken);
        }
    }

    /// <param name="failures">In a row; that another worker is at it counts as one, since it may fail.</param>
    internal static TimeSpan Pause(int failures) => failures is 0 or > 6 ? LookEvery : TryAgain * (1 << (failures - 1));

    internal async Task<bool> TryRefreshAsync(CancellationToken cancellationToken, TimeSpan? maximumAge = null)
    {
        var marketplace = options.CurrentValue.MarketplaceId;
        try
        {
            return await shelf.RefreshAsync(marketplace, maximumAge ?? Age, FetchAsync, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            logger.TaxonomyNotRefreshed(marketplace, exception.Message);
            return false;
        }

        async Task<CategoryTree?> FetchAsync(CancellationToken fetching)
        {
            using var round = BackgroundRound.Start("fetch ebay categories");
            var answer = await taxonomy.FetchAsync(marketplace, fetching);
            if (!answer.IsGood)
            {
                logger.TaxonomyNotRefreshed(marketplace, answer.Error.Message);
                return null;
            }

            logger.TaxonomyRefreshed(marketplace, answer.Value.Categories.Count);
            return answer.Value;
        }
    }
}

internal static class TaxonomyServices
{
    public static IServiceCollection AddTaxonomy(this IServiceCollection services) =>
        services.AddSingleton<EbayTaxonomy>().AddSingleton<CategoryStore>().AddSingleton<TaxonomyRequests>().AddSingleton<TaxonomyRefresh>().AddHostedService(provider => provider.GetRequiredService<TaxonomyRefresh>());
}

/// <summary>Event ids 7200–7299.</summary>
internal static partial class TaxonomyLog
{
    [LoggerMessage(7201, LogLevel.Information, "{Count} categories of {Marketplace} fetched")]
    public static partial void TaxonomyRefreshed(this ILogger logger, string marketplace, int count);

    [LoggerMessage(7202, LogLevel.Warning, "Categories of {Marketplace} not refreshed: {Error}")]
    public static partial void TaxonomyNotRefreshed(this ILogger logger, string marketplace, string error);
}
