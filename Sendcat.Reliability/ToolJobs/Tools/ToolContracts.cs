using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Reliability.ToolJobs.Tools;

// The arguments and the result of a job of each tool, as the turn that enqueues the job and the worker that runs it exchange them. The tool
// cache stores results in the same format: a change of the format requires a new version of the cache namespace.

/// <param name="Query">Trimmed, not empty.</param>
public sealed record SearchWebArguments(string Query);

/// <param name="Kind"><c>search_web</c></param>
/// <param name="TextResult">Plain text for people and logs.</param>
/// <param name="JsonResult">The JSON text that the model receives.</param>
/// <param name="SearchResults">At most 5.</param>
public sealed record SearchWebResult(string Kind, string TextResult, string JsonResult, IReadOnlyList<SearchWebHit> SearchResults);

public sealed record SearchWebHit(string Title, string Link, string? Snippet);

/// <param name="Limit">1–36.</param>
/// <param name="SellerRating">Minimum share of positive feedback, 95–100 %.</param>
/// <param name="IncludeGlobal">
/// False: the turn has used all its global searches. Only eBay is searched, and the result is not cached.
/// </param>
/// <param name="GlobalLimit">Maximum number of products from the global search, 1–12.</param>
public sealed record SearchProductsArguments(string Query, int Limit, int SellerRating = 95, bool IncludeGlobal = true, int GlobalLimit = 12)
{
    public string? CategoryId { get; init; }

    public string? CategoryName { get; init; }

    /// <summary>USD.</summary>
    public decimal? MinPrice { get; init; }

    /// <summary>USD.</summary>
    public decimal? MaxPrice { get; init; }

    /// <summary><c>new</c>, <c>used</c>, <c>refurbished</c> or <c>open_box</c>.</summary>
    public string? Condition { get; init; }

    /// <summary><c>free</c> or <c>fast</c>.</summary>
    public string? Shipping { get; init; }

    /// <summary>A two-letter country code, or the name of a place.</summary>
    public string? Location { get; init; }
}

/// <param name="Limit">1–36.</param>
public sealed record SearchGlobalArguments(string Query, int Limit = 12, string? Location = null);

/// <param name="Kind"><c>search_products</c> or <c>search_global</c></param>
/// <param name="Products">Without duplicates; products from eBay come first.</param>
/// <param name="FailedSources">
/// Sources (<c>ebay</c>, <c>global</c>) that failed. With at least one of them the result is partial and is not cached.
/// </param>
public sealed record ProductsResult(string Kind, IReadOnlyList<Product> Products, int EbayCount, int GlobalCount, IReadOnlyList<string> FailedSources)
{
    [JsonIgnore]
    public bool IsPartial => FailedSources.Count > 0;
}

/// <summary>Serialization of arguments and results.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SearchWebArguments))]
[JsonSerializable(typeof(SearchWebResult))]
[JsonSerializable(typeof(IReadOnlyList<SearchWebHit>))]
[JsonSerializable(typeof(SearchProductsArguments))]
[JsonSerializable(typeof(SearchGlobalArguments))]
[JsonSerializable(typeof(ProductsResult))]
[JsonSerializable(typeof(IReadOnlyList<Product>))]
public sealed partial class ToolJson : JsonSerializerContext;
