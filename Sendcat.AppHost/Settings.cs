using System.Globalization;

namespace Sendcat.AppHost;

/// <summary>Parameters with a default that the configuration may override: <c>--Parameters:region-id=eu-1</c>, or <c>Parameters__region_id</c> in the environment.</summary>
internal static class Settings
{
    public static IResourceBuilder<ParameterResource> AddSetting(this IDistributedApplicationBuilder builder, string name, string @default, string description) =>
        builder.AddParameter(name, builder.Configured(name) ?? @default, publishValueAsDefault: true).WithDescription(description);

    /// <summary>A secret that is drawn once, kept by the AppHost locally and by the platform in a deployment.</summary>
    public static IResourceBuilder<ParameterResource> AddGeneratedSecret(this IDistributedApplicationBuilder builder, string name, int length, string description) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true).WithDescription(description);

    /// <summary>A secret that may stay empty. Locally it is also taken from the environment variable that the services read it from.</summary>
    public static IResourceBuilder<ParameterResource> AddOptionalSecret(this IDistributedApplicationBuilder builder, string name, string variable, string description) =>
        builder.AddParameter(name, builder.SecretOf(name, variable), secret: true).WithDescription(description);

    public static string SecretOf(this IDistributedApplicationBuilder builder, string name, string variable) =>
        builder.Configured(name) ?? (builder.ExecutionContext.IsRunMode ? builder.Configuration[variable] : null) ?? "";

    /// <summary>The value as the model needs it while it is written. A setting has one then: its default or its configuration.</summary>
    public static int AsNumber(this IResourceBuilder<ParameterResource> setting) =>
        int.Parse(setting.ApplicationBuilder.Configured(setting.Resource.Name) ?? "1", NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>A local run has the AppHost's environment (Development, unless ASPNETCORE_ENVIRONMENT says otherwise); a deployment has its platform's.</summary>
    public static IResourceBuilder<ProjectResource> WithRunEnvironment(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode ? service.WithEnvironment("ASPNETCORE_ENVIRONMENT", service.ApplicationBuilder.Environment.EnvironmentName) : service;

    /// <summary>
    /// DCP ends a process 6 s after it was told to stop, and gives up after 12 s: in a local run, what a stopping service lets end must end before. A deployment has the service's own default.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithShortDrain(this IResourceBuilder<ProjectResource> service, string variable) =>
        service.ApplicationBuilder is { ExecutionContext.IsRunMode: true } builder
            ? service.WithEnvironment(variable, builder.Configuration[variable] is { Length: > 0 } given ? given : "4000")
            : service;

    /// <summary>Each value as the variable that the services read it from.</summary>
    public static IResourceBuilder<ProjectResource> WithSettings(
        this IResourceBuilder<ProjectResource> service, IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> settings)
    {
        foreach (var (variable, value) in settings)
        {
            service.WithEnvironment(variable, value);
        }

        return service;
    }

    private static string? Configured(this IDistributedApplicationBuilder builder, string name) =>
        builder.Configuration[$"Parameters:{name}"] ?? builder.Configuration[$"Parameters:{name.Replace('-', '_')}"];
}
