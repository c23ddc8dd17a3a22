using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;
using Sendcat.ToolWorker.SearchGlobal;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Executes <c>search_products</c>: searches eBay and the global search in parallel. When one of them fails, or does not respond within its
/// latency limit after the other one has responded, the result is partial; a partial result is returned but not cached. When both fail, the
/// attempt fails.
/// </summary>
internal sealed class SearchProductsHandler(
    EbaySearch ebay, GlobalSearch global, IOptionsMonitor<ToolJobOptions> options, TimeProvider time) : IToolHandler
{
    /// <summary>Maximum time that a source still has after the other one has responded.</summary>
    private static readonly TimeSpan MaxRemaining = TimeSpan.FromSeconds(2.5);

    /// <summary>
    /// Share of the turn's wait after which a result with one successful source must be ready. The rest of the wait is for the queue.
    /// </summary>
    private const double ReadyShare = 0.75;

    private readonly LatencyEstimate _ebayLatency = new(time);
    private readonly LatencyEstimate _globalLatency = new(time);

    public ToolLane Lane => QueuedTool.SearchProducts.Lane;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(
            arguments, ToolJson.Default.SearchProductsArguments) is not { Query.Length: > 0, Limit: >= 1 } request)
        {
            return new ToolResult.Failed("search_products was asked nothing.", Retryable: false);
        }

        using var tooLate = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var began = time.GetTimestamp();
        var fromEbay = TimedAsync(ebay.SearchAsync(request, tooLate.Token, cancellationToken), _ebayLatency);
        if (!request.IncludeGlobal)
        {
            return Combine(request, await fromEbay, null);
        }

        var fromGlobal = TimedAsync(
            global.SearchAsync(request.Query, request.GlobalLimit, request.Location, tooLate.Token, cancellationToken), _globalLatency);
        var first = await Task.WhenAny(fromEbay, fromGlobal);
        if (first.IsCompletedSuccessfully && (await first).IsSuccess)
        {
            var other = first == fromEbay ? _globalLatency : _ebayLatency;
            tooLate.CancelAfter(Remaining(time.GetElapsedTime(began), other.Limit, TimeSpan.FromMilliseconds(options.CurrentValue.WaitMs)));
        }

        await Task.WhenAll(fromEbay, fromGlobal);
        return Combine(request, await fromEbay, await fromGlobal);
    }

    /// <summary>Combines the results of both sources. Products from eBay come first, and duplicates are removed.</summary>
    /// <param name="fromGlobal">The response of the global search; null: it was not searched.</param>
    internal static ToolResult Combine(
        SearchProductsArguments request, UpstreamResult<IReadOnlyList<Product>> fromEbay,
        UpstreamResult<IReadOnlyList<Product>>? fromGlobal)
    {
        UpstreamError[] errors = [.. new[] { fromEbay.Error, fromGlobal?.Error }.OfType<UpstreamError>()];
        if (errors.Length == (fromGlobal is null ? 1 : 2))
        {
            return new ToolResult.Failed(string.Join("; ", errors.Select(error => error.Message)), errors.Any(error => error.Retryable));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var ebayProducts = Distinct(fromEbay.Value, seen);
        var globalProducts = Distinct(fromGlobal?.Value?.Where(product => PriceFilter.Allows(request, product)), seen);
        var failed = new List<string>();
        if (!fromEbay.IsSuccess)
        {
            failed.Add("ebay");
        }

        if (fromGlobal is { IsSuccess: false })
        {
            failed.Add("global");
        }

        var result = new ProductsResult(
            QueuedTool.SearchProducts.Lane.Tool, [.. ebayProducts, .. globalProducts], ebayProducts.Length, globalProducts.Length, failed);
        return new ToolResult.Done(
            JsonSerializer.Serialize(result, ToolJson.Default.ProductsResult),
            Cacheable: request.IncludeGlobal && !result.IsPartial && result.Products.Count > 0)
        {
            IsPartial = result.IsPartial,
        };
    }

    private async Task<UpstreamResult<IReadOnlyList<Product>>> TimedAsync(
        Task<UpstreamResult<IReadOnlyList<Product>>> search, LatencyEstimate estimate)
    {
        var began = time.GetTimestamp();
        var response = await search;
        if (response.IsSuccess)
        {
            estimate.Observe(time.GetElapsedTime(began));
        }

        return response;
    }

    /// <summary>The time that a source still has after the other one has responded, at least zero.</summary>
    /// <param name="taken">Latency of the other source.</param>
    /// <param name="latencyLimit">The <see cref="LatencyEstimate.Limit"/> of the source; null: no estimate.</param>
    /// <param name="turnWait">Maximum wait of the turn (<see cref="ToolJobOptions.WaitMs"/>).</param>
    internal static TimeSpan Remaining(TimeSpan taken, TimeSpan? latencyLimit, TimeSpan turnWait)
    {
        var remaining = new[] { ReadyShare * turnWait, taken + MaxRemaining, latencyLimit ?? TimeSpan.MaxValue }.Min() - taken;
        return remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining;
    }

    private static Product[] Distinct(IEnumerable<Product>? products, HashSet<string> seen) =>
        products is null ? [] : [.. products.Where(product => product.Identity() is not { } identity || seen.Add(identity))];
}

internal static class SearchProductsFeature
{
    public static IServiceCollection AddSearchProducts(this IServiceCollection services) =>
        services.AddKnobs<ToolJobOptions>().AddSingleton<EbaySearch>().AddSingleton<IToolHandler, SearchProductsHandler>();
}
