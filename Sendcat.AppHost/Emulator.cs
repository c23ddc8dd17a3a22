using Microsoft.Extensions.Configuration;

namespace Sendcat.AppHost;

/// <summary>
/// Connects services to the upstream emulator, a real HTTP server that replaces the providers in a local run without keys. A provider whose
/// key is configured is called itself.
/// </summary>
internal static class Emulator
{
    private const string Key = "emulator";

    /// <summary>
    /// True in a local run in which at least one provider has no key. <c>--emulator=false</c> switches the emulator off; calls to a
    /// provider without a key then fail as <c>misconfigured</c>.
    /// </summary>
    public static bool WantsEmulator(this IDistributedApplicationBuilder builder, ProviderKeys keys) =>
        builder.ExecutionContext.IsRunMode && !keys.Complete && builder.Configuration.GetValue("emulator", true);

    /// <summary>
    /// Sends model calls to the emulator over HTTP/2, with many streams on one connection, as a provider's edge server accepts them.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithModelsOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Models.Usable ? service : service
            .WithEnvironment("OPENROUTER_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("h2c")}/openrouter/api/v1"))
            .WithEnvironment("OPENROUTER_HTTP_VERSION", "2")
            .WithEnvironment("OPENROUTER_API_KEY", Key)
            .WaitFor(upstreams);

    public static IResourceBuilder<ProjectResource> WithSearchesOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Searches.Usable ? service : service
            .WithEnvironment("SERPER_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/serper"))
            .WithEnvironment("SERPAPI_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/serpapi"))
            .WithEnvironment("SERPER_API_KEY", Key)
            .WaitFor(upstreams);

    public static IResourceBuilder<ProjectResource> WithEbayOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Ebay.Usable ? service : service
            .WithEnvironment("EBAY_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/ebay"))
            .WithEnvironment("EBAY_CLIENT_ID", Key)
            .WithEnvironment("EBAY_CLIENT_SECRET", Key)
            .WaitFor(upstreams);

    public static IResourceBuilder<ProjectResource> WithMailOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Mail.Usable ? service : service
            .WithEnvironment("RESEND_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/resend"))
            .WithEnvironment("RESEND_API_KEY", Key)
            .WaitFor(upstreams);

    /// <summary>Sends browsers to the emulator's page that asks for a Google account, and reads the emulated mailboxes.</summary>
    public static IResourceBuilder<ProjectResource> WithGoogleOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Google.Usable ? service : service
            .WithEnvironment("GOOGLE_OAUTH_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/google"))
            .WithEnvironment("GOOGLE_JWKS_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/google/oauth2/v3/certs"))
            .WithEnvironment("GMAIL_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/gmail"))
            .WithEnvironment("GOOGLE_CLIENT_ID", Key)
            .WithEnvironment("GOOGLE_CLIENT_SECRET", Key)
            .WaitFor(upstreams);

    /// <summary>Lets the emulated Gmail notify the API about its mailboxes.</summary>
    public static IResourceBuilder<ProjectResource> WithPushesTo(
        this IResourceBuilder<ProjectResource> upstreams, IResourceBuilder<ProjectResource> api) =>
        upstreams
            .WithEnvironment("EMULATOR_GMAIL_PUSH_URL", ReferenceExpression.Create($"{api.GetEndpoint("http")}/api/gmail/push"))
            .WithEnvironment("EMULATOR_GMAIL_PUSH_AUDIENCE", "sendcat-local");

    /// <summary>Lets the emulator sign WhatsApp deliveries.</summary>
    public static IResourceBuilder<ProjectResource> WithWhatsAppOf(this IResourceBuilder<ProjectResource> service, ProviderKeys keys) =>
        keys.WhatsApp.Usable ? service : service.WithEnvironment("WHATSAPP_APP_SECRET", Key).WithEnvironment("WHATSAPP_VERIFY_TOKEN", Key);

    public static IResourceBuilder<ProjectResource> WithGraphOf(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Graph.Usable ? service : service
            .WithEnvironment("WHATSAPP_GRAPH_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/graph"))
            .WithEnvironment("WHATSAPP_ACCESS_TOKEN", Key)
            .WithEnvironment("WHATSAPP_PHONE_NUMBER_ID", "106540352242922")
            .WaitFor(upstreams);

    public static void PrintEmulatedProviders(this ProviderKeys keys)
    {
        (KeyGroup Group, string Name, string Variables)[] all =
        [
            (keys.Models, "models", "OPENROUTER_API_KEY"), (keys.Searches, "searches", "SERPER_API_KEY"),
            (keys.Ebay, "eBay", "EBAY_CLIENT_ID and EBAY_CLIENT_SECRET"),
            (keys.Mail, "mail", "RESEND_API_KEY"),
            (keys.WhatsApp, "WhatsApp deliveries", "WHATSAPP_APP_SECRET"), (keys.Graph, "WhatsApp replies", "WHATSAPP_ACCESS_TOKEN"),
            (keys.Google, "Google", "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET"),
        ];
        var missing = all.Where(one => !one.Group.Usable).ToArray();
        var (names, variables) = (missing.Select(one => one.Name), missing.Select(one => one.Variables));
        Console.WriteLine(
            $"Answered by the local emulator, having no key: {string.Join(", ", names)} "
            + $"(set {string.Join(", ", variables)} for real ones).");
    }
}
