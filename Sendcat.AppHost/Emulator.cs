using Microsoft.Extensions.Configuration;

namespace Sendcat.AppHost;

/// <summary>The stand-in for everything upstream: a real HTTP server, for local runs without keys. Upstreams that have theirs are asked themselves.</summary>
internal static class Emulator
{
    private const string Key = "emulator";

    /// <summary>Off with <c>--emulator=false</c>; what has no key then fails as <c>misconfigured</c> until one is given.</summary>
    public static bool WantsEmulator(this IDistributedApplicationBuilder builder, ProviderKeys keys) =>
        builder.ExecutionContext.IsRunMode && !keys.Complete && builder.Configuration.GetValue("emulator", true);

    /// <summary>Model calls go to the emulator over HTTP/2, many streams on one connection, as a provider's edge would take them.</summary>
    public static IResourceBuilder<ProjectResource> WithModelsOf(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Models.Usable ? service : service
            .WithEnvironment("OPENROUTER_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("h2c")}/openrouter/api/v1"))
            .WithEnvironment("OPENROUTER_HTTP_VERSION", "2")
            .WithEnvironment("OPENROUTER_API_KEY", Key)
            .WaitFor(upstreams);

    public static IResourceBuilder<ProjectResource> WithSearchesOf(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Searches.Usable ? service : service
            .WithEnvironment("SERPER_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/serper"))
            .WithEnvironment("SERPAPI_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/serpapi"))
            .WithEnvironment("SERPER_API_KEY", Key)
            .WaitFor(upstreams);

    public static IResourceBuilder<ProjectResource> WithEbayOf(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams, ProviderKeys keys) =>
        keys.Ebay.Usable ? service : service
            .WithEnvironment("EBAY_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("http")}/ebay"))
            .WithEnvironment("EBAY_CLIENT_ID", Key)
            .WithEnvironment("EBAY_CLIENT_SECRET", Key)
            .WaitFor(upstreams);

    public static void SayWhatIsEmulated(this ProviderKeys keys)
    {
        (KeyGroup Group, string Name, string Variables)[] all =
        [
            (keys.Models, "models", "OPENROUTER_API_KEY"), (keys.Searches, "searches", "SERPER_API_KEY"), (keys.Ebay, "eBay", "EBAY_CLIENT_ID and EBAY_CLIENT_SECRET"),
        ];
        var missing = all.Where(one => !one.Group.Usable).ToArray();
        Console.WriteLine($"Answered by the local emulator, having no key: {string.Join(", ", missing.Select(one => one.Name))} (set {string.Join(", ", missing.Select(one => one.Variables))} for real ones).");
    }
}
