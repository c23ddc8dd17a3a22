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
/// Answers <c>search_products</c>: eBay and the global search at the same time. One of them failing, or not answering while the turn still waits, makes the result partial,
/// which is shown but not kept; both failing is a failure.
/// </summary>
internal sealed class SearchProductsHandler(EbaySearch ebay, GlobalSearch global, IOptionsMonitor<ToolJobOptions> options, TimeProvider time) : IToolHandler
{
    /// <summary>What a source still gets when the other one has answered.</summary>
    private static readonly TimeSpan MostRest = TimeSpan.FromSeconds(1.5);

    /// <summary>Share of a turn's wait by which a result with one good source must be there; the rest is for the queue.</summary>
    private const double InTime = 0.75;

    public ToolLane Lane => ToolLane.SearchProducts;

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        if (JsonSerializer.Deserialize(arguments, ToolJson.Default.SearchProductsArguments) is not { Query.Length: > 0, Limit: >= 1 } asked)
        {
            return new ToolResult.Refused("search_products was asked nothing.", Retryable: false);
        }

        if (!asked.IncludeGlobal)
        {
            return Combine(asked, await ebay.SearchAsync(asked, CancellationToken.None, cancellationToken), null);
        }

        var started = time.GetTimestamp();
        using var tooLate = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var onEbay = ebay.SearchAsync(asked, tooLate.Token, cancellationToken);
        var elsewhere = global.SearchAsync(asked.Query, asked.GlobalLimit, asked.Location, tooLate.Token, cancellationToken);
        if (await Task.WhenAny(onEbay, elsewhere) is { IsCompletedSuccessfully: true } first && (await first).IsGood)
        {
            tooLate.CancelAfter(Rest(time.GetElapsedTime(started)));
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
        var fromElsewhere = Distinct(elsewhere?.Value?.Where(product => Budget.Allows(asked, product)), seen);
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

    private TimeSpan Rest(TimeSpan taken)
    {
        var rest = TimeSpan.FromMilliseconds(InTime * options.CurrentValue.WaitMs) - taken;
        return rest < TimeSpan.Zero ? TimeSpan.Zero : rest < MostRest ? rest : MostRest;
    }

    private static Product[] Distinct(IEnumerable<Product>? products, HashSet<string> seen) =>
        products is null ? [] : [.. products.Where(product => product.Identity() is not { } identity || seen.Add(identity))];
}

internal static class SearchProductsServices
{
    public static IServiceCollection AddSearchProducts(this IServiceCollection services) =>
        services.AddKnobs<ToolJobOptions>().AddSingleton<EbaySearch>().AddSingleton<IToolHandler, SearchProductsHandler>();
}
