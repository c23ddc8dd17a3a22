using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Jobs;
using Sendcat.ToolWorker.SearchGlobal;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Answers <c>search_products</c>: eBay and the global search at the same time. One of them failing, or not answering within its usual time once the other one has, makes the result
/// partial, which is shown but not kept; both failing is a failure.
/// </summary>
internal sealed class SearchProductsHandler(EbaySearch ebay, GlobalSearch global, IOptionsMonitor<ToolJobOptions> options, TimeProvider time) : IToolHandler
{
    /// <summary>The most that a source still gets when the other one has answered.</summary>
    private static readonly TimeSpan MostRest = TimeSpan.FromSeconds(2.5);

    /// <summary>Share of a turn's wait by which a result with one good source must be there; the rest is for the queue.</summary>
    private const double InTime = 0.75;

    private readonly LatencyEstimate _ebayLatency = new(time);
    private readonly LatencyEstimate _globalLatency = new(time);

    public ToolLane Lane => ToolLane.SearchProducts;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchProductsArguments) is not { Query.Length: > 0, Limit: >= 1 } asked)
        {
            return new ToolResult.Refused("search_products was asked nothing.", Retryable: false);
        }

        using var tooLate = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var began = time.GetTimestamp();
        var onEbay = TimedAsync(ebay.SearchAsync(asked, tooLate.Token, cancellationToken), _ebayLatency);
        if (!asked.IncludeGlobal)
        {
            return Combine(asked, await onEbay, null);
        }

        var elsewhere = TimedAsync(global.SearchAsync(asked.Query, asked.GlobalLimit, asked.Location, tooLate.Token, cancellationToken), _globalLatency);
        var first = await Task.WhenAny(onEbay, elsewhere);
        if (first.IsCompletedSuccessfully && (await first).IsGood)
        {
            var other = first == onEbay ? _globalLatency : _ebayLatency;
            tooLate.CancelAfter(Rest(time.GetElapsedTime(began), other.Limit, TimeSpan.FromMilliseconds(options.CurrentValue.WaitMs)));
        }

        await Task.WhenAll(onEbay, elsewhere);
        return Combine(asked, await onEbay, await elsewhere);
    }

    /// <param name="elsewhere">Null: not asked.</param>
    internal static ToolResult Combine(SearchProductsArguments asked, UpstreamAnswer<IReadOnlyList<Product>> onEbay, UpstreamAnswer<IReadOnlyList<Product>>? elsewhere)
    {
        UpstreamError[] errors = [.. new[] { onEbay.Error, elsewhere?.Error }.OfType<UpstreamError>()];
        if (errors.Length == (elsewhere is null ? 1 : 2))
        {
            return new ToolResult.Refused(string.Join("; ", errors.Select(error => error.Message)), errors.Any(error => error.Retryable));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var fromEbay = Distinct(onEbay.Value, seen);
        var fromElsewhere = Distinct(elsewhere?.Value?.Where(product => PriceFilter.Allows(asked, product)), seen);
        var failed = new List<string>();
        if (!onEbay.IsGood)
        {
            failed.Add("ebay");
        }

        if (elsewhere is { IsGood: false })
        {
            failed.Add("global");
        }

        var result = new ProductsResult(ToolLane.SearchProducts.Tool, [.. fromEbay, .. fromElsewhere], fromEbay.Length, fromElsewhere.Length, failed);
        return new ToolResult.Done(
            JsonSerializer.Serialize(result, ToolJson.Default.ProductsResult),
            Keep: asked.IncludeGlobal && !result.IsPartial && result.Products.Count > 0);
    }

    private async Task<UpstreamAnswer<IReadOnlyList<Product>>> TimedAsync(Task<UpstreamAnswer<IReadOnlyList<Product>>> question, LatencyEstimate estimate)
    {
        var began = time.GetTimestamp();
        var answer = await question;
        if (answer.IsGood)
        {
            estimate.Observe(time.GetElapsedTime(began));
        }

        return answer;
    }

    /// <summary>What a source still gets when the other one has answered.</summary>
    /// <param name="taken">By the other one.</param>
    /// <param name="usual">Its own <see cref="LatencyEstimate.Limit"/>.</param>
    /// <param name="turnWaits"><see cref="ToolJobOptions.WaitMs"/></param>
    internal static TimeSpan Rest(TimeSpan taken, TimeSpan? usual, TimeSpan turnWaits)
    {
        var rest = new[] { InTime * turnWaits, taken + MostRest, usual ?? TimeSpan.MaxValue }.Min() - taken;
        return rest < TimeSpan.Zero ? TimeSpan.Zero : rest;
    }

    private static Product[] Distinct(IEnumerable<Product>? products, HashSet<string> seen) =>
        products is null ? [] : [.. products.Where(product => product.Identity() is not { } identity || seen.Add(identity))];
}

internal static class SearchProductsServices
{
    public static IServiceCollection AddSearchProducts(this IServiceCollection services) =>
        services.AddKnobs<ToolJobOptions>().AddSingleton<EbaySearch>().AddSingleton<IToolHandler, SearchProductsHandler>();
}
