using Microsoft.Extensions.Options;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Providers;

/// <summary>Decides which routes a call may take and with which model on each.</summary>
internal sealed class RoutePlan(
    IOptionsMonitor<ProviderRouteOptions> options, IOptionsMonitor<OpenRouterOptions> account, IOptionsMonitor<ChatGatewayOptions> gateway,
    ModelCatalogue catalogue)
{
    /// <summary>
    /// The routes in the order in which they are tried. The primary route uses the requested model, or else the primary model of the class.
    /// The secondary route exists only while failover is on. It uses the secondary model of the class, or the primary model of the class if
    /// the primary route already uses the secondary model.
    /// </summary>
    /// <param name="heldRoute">The route of which the turn holds a slot; it is tried first. Null: the primary route is tried first.</param>
    /// <param name="pricedOnly">
    /// True: without the secondary route if the price of its model is unknown, for a turn with a budget of money.
    /// </param>
    public IReadOnlyList<ProviderRoute> For(string? requestedModel, string? heldRoute = null, bool pricedOnly = false)
    {
        var (knobs, primaryAccount) = (options.CurrentValue, account.CurrentValue);
        var modelClass = catalogue.ClassOf(requestedModel);
        var fast = modelClass == ModelClass.Fast;
        var first = fast ? knobs.FastPrimaryModel : knobs.AgentPrimaryModel;
        var second = fast ? knobs.FastSecondaryModel : knobs.AgentSecondaryModel;
        var primary = Route(
            ProviderRoute.Primary, modelClass, requestedModel ?? first, knobs.PrimaryTimeoutMs, knobs.PrimaryRetries,
            primaryAccount.BaseUrl, primaryAccount.ApiKey);
        if (!gateway.CurrentValue.ProviderFailoverEnabled)
        {
            return [primary];
        }

        var otherModel = second == primary.Model ? first : second;
        if (pricedOnly && catalogue.PriceOf(otherModel) is null)
        {
            return [primary];
        }

        var secondary = Route(
            ProviderRoute.Secondary, modelClass, otherModel, knobs.SecondaryTimeoutMs, knobs.SecondaryRetries,
            Or(knobs.SecondaryBaseUrl, primaryAccount.BaseUrl), Or(knobs.SecondaryApiKey, primaryAccount.ApiKey));
        return heldRoute == ProviderRoute.Secondary ? [secondary, primary] : [primary, secondary];
    }

    /// <summary>The primary and the secondary route of a class, also while failover is off.</summary>
    public IReadOnlyList<ProviderRoute> OfClass(string modelClass)
    {
        var (knobs, primary) = (options.CurrentValue, account.CurrentValue);
        var fast = modelClass == ModelClass.Fast;
        return
        [
            Route(
                ProviderRoute.Primary, modelClass, fast ? knobs.FastPrimaryModel : knobs.AgentPrimaryModel, knobs.PrimaryTimeoutMs,
                    knobs.PrimaryRetries,
                primary.BaseUrl, primary.ApiKey),
            Route(
                ProviderRoute.Secondary, modelClass, fast ? knobs.FastSecondaryModel : knobs.AgentSecondaryModel, knobs.SecondaryTimeoutMs,
                    knobs.SecondaryRetries,
                Or(knobs.SecondaryBaseUrl, primary.BaseUrl), Or(knobs.SecondaryApiKey, primary.ApiKey)),
        ];
    }

    /// <summary>The model of a turn without a requested model, on the primary route.</summary>
    public string DefaultModel =>
        options.CurrentValue is var knobs && knobs.DefaultModelClass == ModelClass.Fast ? knobs.FastPrimaryModel : knobs.AgentPrimaryModel;

    private ProviderRoute Route(string id, string modelClass, string model, int timeoutMs, int retries, string baseUrl, string apiKey) =>
        new(id, modelClass, model, catalogue.CapabilityOf(model), TimeSpan.FromMilliseconds(timeoutMs), retries, baseUrl, apiKey)
        {
            IsConfigured = options.CurrentValue.Configures(model),
            MaxOutputTokens = Math.Min(options.CurrentValue.MaxOutputTokens, catalogue.MaxOutputOf(model) ?? int.MaxValue),
        };

    private static string Or(string value, string fallback) => string.IsNullOrWhiteSpace(value) ? fallback : value;
}
