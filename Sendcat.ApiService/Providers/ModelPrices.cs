using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>What model calls cost, by the catalogue's prices. An unknown price is null, never 0.</summary>
internal sealed class ModelPrices(ModelCatalogue catalogue)
{
    /// <summary>The price; null: unknown.</summary>
    public ModelPrice? Of(string model) => catalogue.PriceOf(model);

    /// <summary>
    /// The highest cost of a call that may use any of the routes, in millionths of a US dollar: all its prompt tokens, and as many output
    /// tokens as the route allows. Routes without a price do not count, except the first one.
    /// </summary>
    /// <returns>Null: the price of the first route's model is unknown.</returns>
    public long? Highest(IReadOnlyList<ProviderRoute> routes, long promptTokens) => Of(routes[0].Model) is null
        ? null
        : (long)decimal.Ceiling(routes.Max(route => Of(route.Model)?.MicroUsd(promptTokens, route.MaxOutputTokens ?? 0) ?? 0));
}
