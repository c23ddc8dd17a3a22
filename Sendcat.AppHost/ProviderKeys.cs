namespace Sendcat.AppHost;

/// <summary>
/// Keys of the external providers, grouped by use. All are optional; in a local run the emulator replaces a provider whose keys are
/// missing.
/// </summary>
internal sealed record ProviderKeys(KeyGroup Models, KeyGroup Searches, KeyGroup Ebay, KeyGroup Google, KeyGroup Mail)
{
    public bool Complete => Models.Usable && Searches.Usable && Ebay.Usable && Google.Usable && Mail.Usable;
}

/// <param name="Usable">True when the configured keys are sufficient to call the provider.</param>
internal sealed record KeyGroup(bool Usable, IReadOnlyList<(string Variable, IResourceBuilder<ParameterResource> Value)> Secrets);

internal static class ProviderKeysExtensions
{
    public static ProviderKeys AddProviderKeys(this IDistributedApplicationBuilder builder) => new(
        builder.AddKeys(known => known[0], ("openrouter-api-key", "OPENROUTER_API_KEY", "Key of OpenRouter, which serves the models.")),
        builder.AddKeys(
            known => known[0] || known[1],
            ("serper-api-key", "SERPER_API_KEY", "Key of Serper, for web and product searches."),
            ("serpapi-api-key", "SERPAPI_API_KEY", "Key of SerpAPI, the fallback of Serper for product searches.")),
        builder.AddKeys(
            known => known[0] && known[1],
            ("ebay-client-id", "EBAY_CLIENT_ID", "Client id of the eBay application."),
            ("ebay-client-secret", "EBAY_CLIENT_SECRET", "Client secret of the eBay application.")),
        builder.AddKeys(
            known => known[0] && known[1],
            ("google-client-id", "GOOGLE_CLIENT_ID", "Client id of the Google application, for sign-in."),
            ("google-client-secret", "GOOGLE_CLIENT_SECRET", "Client secret of the Google application.")),
        builder.AddKeys(known => known[0], ("resend-api-key", "RESEND_API_KEY", "Key of Resend, which sends mails.")));

    /// <summary>Parameters that tag links to eBay. Links are tagged only when all of them except the salt are set.</summary>
    public static IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> AddAffiliate(this IDistributedApplicationBuilder builder) =>
    [
        .. new[] { "campid", "mkcid", "mkrid", "toolid", "mkevt", "customid-salt" }
            .Select(name => (Variable: $"EPN_{name.Replace('-', '_').ToUpperInvariant()}", Parameter: $"epn-{name}"))
            .Select(epn => (epn.Variable, builder.AddOptionalSecret(epn.Parameter, epn.Variable, "eBay Partner Network parameter of links to eBay."))),
    ];

    private static KeyGroup AddKeys(this IDistributedApplicationBuilder builder, Func<bool[], bool> usable, params (string Parameter, string Variable, string Description)[] keys) => new(
        usable([.. keys.Select(key => builder.SecretOf(key.Parameter, key.Variable).Length > 0)]),
        [.. keys.Select(key => (key.Variable, builder.AddOptionalSecret(key.Parameter, key.Variable, key.Description)))]);
}
