namespace Sendcat.AppHost;

/// <summary>Keys of the services that Sendcat buys from. All are optional; without OpenRouter's a local run talks to the emulator.</summary>
internal sealed record ProviderKeys(bool HasModels, IReadOnlyList<(string Variable, IResourceBuilder<ParameterResource> Secret)> Secrets);

internal static class ProviderKeysExtensions
{
    private static readonly (string Parameter, string Variable)[] Known =
    [
        ("openrouter-api-key", "OPENROUTER_API_KEY"),
        ("serper-api-key", "SERPER_API_KEY"),
        ("serpapi-api-key", "SERPAPI_API_KEY"),
        ("ebay-client-id", "EBAY_CLIENT_ID"),
        ("ebay-client-secret", "EBAY_CLIENT_SECRET"),
    ];

    public static ProviderKeys AddProviderKeys(this IDistributedApplicationBuilder builder) => new(
        HasModels: builder.SecretOf("openrouter-api-key", "OPENROUTER_API_KEY").Length > 0,
        [.. Known.Select(key => (key.Variable, builder.AddOptionalSecret(key.Parameter, key.Variable)))]);

    public static IResourceBuilder<ProjectResource> WithProviderKeys(this IResourceBuilder<ProjectResource> service, ProviderKeys keys)
    {
        foreach (var (variable, secret) in keys.Secrets)
        {
            service.WithEnvironment(variable, secret);
        }

        return service;
    }
}
