using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>The price of a model call whose provider reports no cost.</summary>
internal sealed class ModelPrices(ModelCatalogue catalogue, IOptionsMonitor<ModelAccessOptions> options)
{
    /// <summary>
    /// Price in US dollars per million tokens. A model without a known price gets the maximum output price
    /// (<c>CHAT_MODEL_MAX_OUTPUT_PRICE</c>) for input and output tokens, so that a budget is overestimated rather than underestimated.
    /// </summary>
    public ModelPrice Of(string model) =>
        catalogue.PriceOf(model) ?? new((decimal)options.CurrentValue.MaxOutputPrice, (decimal)options.CurrentValue.MaxOutputPrice);
}
