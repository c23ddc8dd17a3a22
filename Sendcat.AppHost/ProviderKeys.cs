namespace Sendcat.AppHost;

/// <summary>
/// Keys of the external providers, grouped by use. All are optional; in a local run the emulator replaces a provider whose keys are
/// missing.
/// </summary>
/// <param name="WhatsApp">What authenticates deliveries, for the API.</param>
/// <param name="Graph">What calls of the Graph API need, for the worker.</param>
internal sealed record ProviderKeys(
    KeyGroup Models, KeyGroup Searches, KeyGroup Ebay, KeyGroup Google, KeyGroup Mail, KeyGroup WhatsApp, KeyGroup Graph)
{
    public bool Complete =>
        Models.Usable && Searches.Usable && Ebay.Usable && Google.Usable && Mail.Usable && WhatsApp.Usable && Graph.Usable;
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
        builder.AddKeys(known => known[0], ("resend-api-key", "RESEND_API_KEY", "Key of Resend, which sends mails.")),
        builder.AddKeys(
            known => known[0],
            ("whatsapp-app-secret", "WHATSAPP_APP_SECRET", "Secret of the app at Meta, which signs WhatsApp deliveries."),
            ("whatsapp-verify-token", "WHATSAPP_VERIFY_TOKEN", "What Meta sends when it verifies the address of the webhook.")),
        builder.AddKeys(
            known => known[0],
            ("whatsapp-access-token", "WHATSAPP_ACCESS_TOKEN", "Token for the Graph API: files of WhatsApp messages, and replies.")));

    /// <summary>Parameters that tag links to eBay. Links are tagged only when all of them except the salt are set.</summary>
    public static IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> AddAffiliate(
        this IDistributedApplicationBuilder builder) =>
    [
        .. new[] { "campid", "mkcid", "mkrid", "toolid", "mkevt", "customid-salt" }
            .Select(name => (Variable: $"EPN_{name.Replace('-', '_').ToUpperInvariant()}", Parameter: $"epn-{name}"))
            .Select(
                epn => (
                    epn.Variable,
                    builder.AddOptionalSecret(epn.Parameter, epn.Variable, "eBay Partner Network parameter of links to eBay."))),
    ];

    private static KeyGroup AddKeys(
        this IDistributedApplicationBuilder builder, Func<bool[], bool> usable,
        params (string Parameter, string Variable, string Description)[] keys) =>
        new(
            usable([.. keys.Select(key => builder.SecretOf(key.Parameter, key.Variable).Length > 0)]),
            [.. keys.Select(key => (key.Variable, builder.AddOptionalSecret(key.Parameter, key.Variable, key.Description)))]);
}
