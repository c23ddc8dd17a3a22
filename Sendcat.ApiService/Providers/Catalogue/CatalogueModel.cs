namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>A model of the provider's live catalogue.</summary>
/// <param name="Tools">Whether the model accepts tools; null: the entry lists no supported parameters.</param>
/// <param name="Price">Null: the entry has no fixed price.</param>
/// <param name="MaxOutputTokens">Maximum tokens of one response; null: unknown.</param>
internal sealed record CatalogueModel(bool? Tools, ModelPrice? Price, int? MaxOutputTokens)
{
    /// <summary>The provider's name of the model; null: unknown.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the model accepts images; null: unknown.</summary>
    public bool? Vision { get; init; }

    /// <summary>Whether the model accepts PDF files; null: unknown.</summary>
    public bool? Files { get; init; }
}

/// <summary>US dollars per million tokens. The same number is micro-dollars per token.</summary>
internal readonly record struct ModelPrice(decimal Input, decimal Output)
{
    /// <summary>Cost of a call in millionths of a US dollar.</summary>
    public decimal MicroUsd(long promptTokens, long completionTokens) => (promptTokens * Input) + (completionTokens * Output);
}
