namespace Sendcat.AppHost;

/// <summary>Whether traces of a local run carry what people and models write, for the dashboard's view of model calls (docs/telemetry.md).</summary>
internal static class MessageContent
{
    private const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    /// <summary>Off unless the variable is set for the AppHost; Aspire alone would switch it on. A deployment never inherits it from a developer's shell.</summary>
    public static IResourceBuilder<ProjectResource> WithCapturedMessageContent(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder is { ExecutionContext.IsRunMode: true } builder
            ? service.WithEnvironment(Variable, builder.Configuration[Variable] is { Length: > 0 } value ? value : "false")
            : service;
}
