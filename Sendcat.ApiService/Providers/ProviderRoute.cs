using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>One route to a model: address, key, model, timeout and retries.</summary>
/// <param name="Id"><c>primary</c> or <c>secondary</c>.</param>
/// <param name="HeadersTimeout">Maximum time until the response headers arrive.</param>
/// <param name="Retries">Maximum retries on this route after the first attempt.</param>
internal sealed record ProviderRoute(
    string Id, string ModelClass, string Model, ModelCapability Capability, TimeSpan HeadersTimeout, int Retries, string BaseUrl,
    string ApiKey)
{
    public const string Primary = "primary";
    public const string Secondary = "secondary";

    public static readonly IReadOnlyList<string> Ids = [Primary, Secondary];

    /// <summary>The name of this route's circuit and bulkhead.</summary>
    public string Guard => GuardOf(Id);

    /// <summary>
    /// True: the operator configured this model, so its successes and failures count for the circuit. A model that the caller chose does
    /// not count.
    /// </summary>
    public bool IsConfigured { get; init; } = true;

    /// <summary>Maximum tokens of a response, sent as <c>max_tokens</c>; null: the provider's own limit applies.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>True: both routes use the same key and address, so a refused key or used-up credit affects both.</summary>
    public bool SharesAccountWith(ProviderRoute other) => ApiKey == other.ApiKey && BaseUrl == other.BaseUrl;

    public static string GuardOf(string routeId) => $"openrouter_chat_{routeId}";
}
