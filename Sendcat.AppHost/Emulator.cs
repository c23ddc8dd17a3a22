using Microsoft.Extensions.Configuration;

namespace Sendcat.AppHost;

/// <summary>The stand-in for everything upstream: a real HTTP server, for local runs without keys.</summary>
internal static class Emulator
{
    /// <summary>Off with <c>--emulator=false</c>; model calls then fail as <c>misconfigured</c> until a key is given.</summary>
    public static bool WantsEmulator(this IDistributedApplicationBuilder builder, ProviderKeys keys) =>
        builder.ExecutionContext.IsRunMode && !keys.HasModels && builder.Configuration.GetValue("emulator", true);

    /// <summary>Model calls go to the emulator over HTTP/2, many streams on one connection, as a provider's edge would take them.</summary>
    public static IResourceBuilder<ProjectResource> WithModelsOf(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> upstreams)
    {
        Console.WriteLine("No OpenRouter key is configured: models are answered by the local emulator (set OPENROUTER_API_KEY for real ones).");
        return service
            .WithEnvironment("OPENROUTER_BASE_URL", ReferenceExpression.Create($"{upstreams.GetEndpoint("h2c")}/openrouter/api/v1"))
            .WithEnvironment("OPENROUTER_HTTP_VERSION", "2")
            .WithEnvironment("OPENROUTER_API_KEY", "emulator")
            .WaitFor(upstreams);
    }
}
