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

    public static string GuardOf(string routeId) => $"openrouter_chat_{routeId}";
}
