using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>What a model call costs when the provider does not say.</summary>
internal sealed class ModelPrices(ModelCatalogue catalogue, IOptionsMonitor<ModelAccessOptions> options)
{
    /// <summary>A model without a known price counts as one at the highest that may be asked, prompt and answer alike: a budget errs on the operator's side.</summary>
    public ModelPrice Of(string model) => catalogue.PriceOf(model) ?? new((decimal)options.CurrentValue.MaxOutputPrice, (decimal)options.CurrentValue.MaxOutputPrice);
}
