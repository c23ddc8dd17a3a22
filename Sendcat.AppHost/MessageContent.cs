namespace Sendcat.AppHost;

/// <summary>
/// Sets whether traces of a local run contain the messages of users and models, for the dashboard's view of model calls
/// (docs/telemetry.md).
/// </summary>
internal static class MessageContent
{
    private const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    /// <summary>
    /// Sets the variable of the AppHost, else <c>false</c>, because Aspire itself sets <c>true</c>. A deployment never inherits the value
    /// from a developer's shell.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithCapturedMessageContent(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder is { ExecutionContext.IsRunMode: true } builder
            ? service.WithEnvironment(Variable, builder.Configuration[Variable] is { Length: > 0 } value ? value : "false")
            : service;
}
