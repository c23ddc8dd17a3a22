namespace Sendcat.ApiService.Providers.Catalogue;

/// <summary>A model as the provider's live catalogue lists it.</summary>
/// <param name="Tools">Null: the entry says nothing about parameters.</param>
/// <param name="Price">Null: the entry has no fixed price.</param>
/// <param name="MaxOutputTokens">What one answer may have at most; null: unknown.</param>
internal sealed record CatalogueModel(bool? Tools, ModelPrice? Price, int? MaxOutputTokens);

/// <summary>US dollars per million tokens, which is as much as millionths of a dollar per token.</summary>
internal readonly record struct ModelPrice(decimal Input, decimal Output)
{
    public decimal MicroUsd(long promptTokens, long completionTokens) => (promptTokens * Input) + (completionTokens * Output);
}
