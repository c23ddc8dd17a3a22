using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Reliability.ToolJobs.Tools;

// What a job of each tool is asked and what it answers, between the turn that enters it and the worker that runs it. A result is also what the tool cache keeps: a format that
// changes wants another version of its namespace.

/// <param name="Query">Trimmed, not empty.</param>
public sealed record SearchWebArguments(string Query);

/// <param name="Kind"><c>search_web</c></param>
/// <param name="TextResult">For people and logs.</param>
/// <param name="JsonResult">What the model is given.</param>
/// <param name="SearchResults">At most 5.</param>
public sealed record SearchWebResult(string Kind, string TextResult, string JsonResult, IReadOnlyList<SearchWebHit> SearchResults);

public sealed record SearchWebHit(string Title, string Link, string? Snippet);

/// <param name="Limit">1–36.</param>
/// <param name="SellerRating">Least share of positive feedback, 95–100 %.</param>
/// <param name="IncludeGlobal">False: the turn has used up its global searches; only eBay is asked and the result is not kept.</param>
/// <param name="GlobalLimit">Global finds at most, 1–12.</param>
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

    /// <summary>Two-letter country, or a place by name.</summary>
    public string? Location { get; init; }
}

/// <param name="Limit">1–36.</param>
public sealed record SearchGlobalArguments(string Query, int Limit = 12, string? Location = null);

/// <param name="Kind"><c>search_products</c> or <c>search_global</c></param>
/// <param name="Products">Without repeats, eBay's first.</param>
/// <param name="FailedSources">Sources (<c>ebay</c>, <c>global</c>) that could not answer: the result is partial and is not kept.</param>
public sealed record ProductsResult(string Kind, IReadOnlyList<Product> Products, int EbayCount, int GlobalCount, IReadOnlyList<string> FailedSources)
{
    [JsonIgnore]
    public bool IsPartial => FailedSources.Count > 0;
}

/// <summary>How arguments and results are written.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SearchWebArguments))]
[JsonSerializable(typeof(SearchWebResult))]
[JsonSerializable(typeof(IReadOnlyList<SearchWebHit>))]
[JsonSerializable(typeof(SearchProductsArguments))]
[JsonSerializable(typeof(SearchGlobalArguments))]
[JsonSerializable(typeof(ProductsResult))]
[JsonSerializable(typeof(IReadOnlyList<Product>))]
public sealed partial class ToolJson : JsonSerializerContext;
