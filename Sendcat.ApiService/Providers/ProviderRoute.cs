using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>One way to a model: address, model, patience.</summary>
/// <param name="Id"><c>primary</c> or <c>secondary</c>.</param>
/// <param name="HeadersWithin">How long headers may take.</param>
/// <param name="Retries">Further attempts on this route.</param>
internal sealed record ProviderRoute(
    string Id, string ModelClass, string Model, ModelCapability Capability, TimeSpan HeadersWithin, int Retries, string BaseUrl, string ApiKey)
{
    public const string Primary = "primary";
    public const string Secondary = "secondary";

    /// <summary>The name of this route's circuit and bulkhead.</summary>
    public string Guard => GuardOf(Id);

    /// <summary>The operator's own model, whose failures and successes count for the circuit; any other is a caller's choice and says nothing.</summary>
    public bool IsConfigured { get; init; } = true;

    /// <summary>Sent as <c>max_tokens</c>; null: the provider's own limit.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>What one of them cannot pay for, or sign in to, neither can the other.</summary>
    public bool SharesAccountWith(ProviderRoute other) => ApiKey == other.ApiKey && BaseUrl == other.BaseUrl;

    public static string GuardOf(string routeId) => $"openrouter_chat_{routeId}";
}
