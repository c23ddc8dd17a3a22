using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/taxonomy</c>: eBay's categories, which the tool workers fetch.</summary>
internal static class TaxonomyOps
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(1);

    public static void MapTaxonomy(this RouteGroupBuilder ops) =>
        ops.MapPost("/taxonomy/refresh", RefreshAsync).As("ops.refreshTaxonomy", "Refresh categories: request that a tool worker fetches eBay's now, regardless of their age", 503);

    private static async Task<Results<Accepted<TaxonomyRefreshRequested>, ApiError>> RefreshAsync(
        HttpContext http, IConnectionMultiplexer redis, RequestDatabase database, OperatorAudit audit, IOptionsMonitor<EbayOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        var marketplace = options.CurrentValue.MarketplaceId;
        var workers = await audit.RecordAsync(
            OpsEndpoints.By(http), "taxonomy.refresh", marketplace,
            async () =>
            {
                var received = await PublishAsync(redis, marketplace, time);
                return (received, string.Create(CultureInfo.InvariantCulture, $"received by {received} workers"));
            },
            cancellationToken);
        return workers == 0
            ? ApiError.UpstreamUnavailable(RetryAfter, RefusalReason.NoWorker, "No worker received the request")
            : TypedResults.Accepted((string?)null, await ReadAsync(database, marketplace, workers, cancellationToken));
    }

    /// <returns>The workers that received the request; zero also while Redis is unavailable.</returns>
    private static async Task<long> PublishAsync(IConnectionMultiplexer redis, string marketplace, TimeProvider time)
    {
        try
        {
            using var span = RedisSpan.Start("request taxonomy refresh", "PUBLISH");
            return await redis.GetSubscriber().PublishAsync(RedisKeys.TaxonomyRefreshRequested, marketplace)
                .WaitAsync(PublishTimeout, time, CancellationToken.None);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return 0;
        }
    }

    private static async Task<TaxonomyRefreshRequested> ReadAsync(RequestDatabase database, string marketplace, long workers, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- read taxonomy state
            SELECT (SELECT fetched_at FROM reliability.ebay_taxonomy_meta WHERE marketplace_id = $1), (SELECT count(*) FROM reliability.ebay_categories WHERE marketplace_id = $1)
            """);
        command.Parameters.Add(new() { Value = marketplace });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return new(marketplace, workers, await reader.IsDBNullAsync(0, CancellationToken.None) ? null : reader.GetDateTime(0), reader.GetInt64(1));
    }
}

/// <summary>The state of the categories when the request was sent. A worker fetches them within seconds.</summary>
/// <param name="Workers">The number of workers that received the request; one of them fetches.</param>
/// <param name="FetchedAt">The time of the last fetch; absent: never fetched.</param>
internal sealed record TaxonomyRefreshRequested(string Marketplace, long Workers, DateTime? FetchedAt, long Categories);
