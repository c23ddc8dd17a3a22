using System.Globalization;

namespace Sendcat.AppHost;

/// <summary>
/// Parameters with a default value, which configuration can override: <c>--Parameters:region-id=eu-1</c>, or <c>Parameters__region_id</c>
/// in the environment.
/// </summary>
internal static class Settings
{
    public static IResourceBuilder<ParameterResource> AddSetting(
        this IDistributedApplicationBuilder builder, string name, string @default, string description) =>
        builder.AddParameter(name, builder.Configured(name) ?? @default, publishValueAsDefault: true).WithDescription(description);

    /// <summary>
    /// The default of a setting. In a local run it is the value of <paramref name="variable"/>, the environment variable that the services
    /// read, if that is set: the services would otherwise get the default instead of it.
    /// </summary>
    public static string Of(this IDistributedApplicationBuilder builder, string variable, string @default) =>
        builder.ExecutionContext.IsRunMode && builder.Configuration[variable] is { Length: > 0 } given ? given : @default;

    /// <summary>
    /// A secret that is generated once and then stored: locally in the user secrets of the AppHost, in a deployment by the platform. In a
    /// local run the value of <paramref name="variable"/> comes before the stored one.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddGeneratedSecret(
        this IDistributedApplicationBuilder builder, string name, string variable, int length, string description) =>
        (builder.Of(variable, "") is { Length: > 0 } given
            ? builder.AddParameter(name, given, secret: true)
            : builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true))
        .WithDescription(description);

    /// <summary>
    /// A secret that can be empty. In a local run its value can also come from <paramref name="variable"/>, the environment variable that
    /// the services read.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddOptionalSecret(
        this IDistributedApplicationBuilder builder, string name, string variable, string description) =>
        builder.AddParameter(name, builder.SecretOf(name, variable), secret: true).WithDescription(description);

    public static string SecretOf(this IDistributedApplicationBuilder builder, string name, string variable) =>
        builder.Configured(name) ?? (builder.ExecutionContext.IsRunMode ? builder.Configuration[variable] : null) ?? "";

    /// <summary>The value as a number while the application model is built: the configured value or 1.</summary>
    public static int AsNumber(this IResourceBuilder<ParameterResource> setting) =>
        int.Parse(setting.ApplicationBuilder.Configured(setting.Resource.Name) ?? "1", NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>
    /// A local run uses the environment of the AppHost (Development, unless ASPNETCORE_ENVIRONMENT sets another); a deployment uses that of
    /// its platform. No process of a local run watches files of settings: there are none, and Linux gives a user 128 watches for all its
    /// processes. A process that gets none does not start.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithRunEnvironment(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder.ExecutionContext.IsRunMode
            ? service.WithEnvironment("ASPNETCORE_ENVIRONMENT", service.ApplicationBuilder.Environment.EnvironmentName)
                .WithEnvironment("DOTNET_hostBuilder__reloadConfigOnChange", "false")
            : service;

    /// <summary>
    /// Sets a drain timeout of 4000 ms in a local run. DCP kills a process 6 s after the stop signal and gives up after 12 s, so the work
    /// that a stopping service drains must end earlier.
    /// A deployment uses the default of the service.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithShortDrain(this IResourceBuilder<ProjectResource> service, string variable) =>
        service.ApplicationBuilder is { ExecutionContext.IsRunMode: true } builder
            ? service.WithEnvironment(variable, builder.Configuration[variable] is { Length: > 0 } given ? given : "4000")
            : service;

    /// <summary>Sets each value as the environment variable that the services read.</summary>
    public static IResourceBuilder<ProjectResource> WithSettings(
        this IResourceBuilder<ProjectResource> service, IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> settings)
    {
        foreach (var (variable, value) in settings)
        {
            service.WithEnvironment(variable, value);
        }

        return service;
    }

    public static string? Configured(this IDistributedApplicationBuilder builder, string name) =>
        builder.Configuration[$"Parameters:{name}"] ?? builder.Configuration[$"Parameters:{name.Replace('-', '_')}"];
}
