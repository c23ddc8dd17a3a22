using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sendcat.ServiceDefaults.Health;

namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>
/// Exports traces, metrics and logs over OTLP. Without <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> nothing is instrumented, so there is no cost.
/// docs/telemetry.md lists the spans and the metrics.
/// </summary>
internal static class OpenTelemetryExport
{
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string OwnNames = "Sendcat.*";

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration[Endpoint]))
        {
            StoreTelemetry.TurnOff(builder.Configuration);
            return;
        }

        StoreTelemetry.UseOwnRedisSpans(builder.Configuration);

        // With the default propagator (trace context and baggage) the HttpClient instrumentation adds headers to every call, also to third
        // parties. With this propagator each client's handler decides about the headers.
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());

        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Name(resource, builder))
            .WithMetrics(metrics => metrics
                .AddMeter(OwnNames)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation())
            .WithTracing(traces => traces
                .SetSampler(CallSampler.From(builder.Configuration))
                .AddSource(OwnNames)
                .AddAspNetCoreInstrumentation(server =>
                {
                    server.Filter = context => !HealthEndpoints.IsProbe(context.Request.Path);
                    // The template of the root route of a route group ends with a slash, the URL does not.
                    server.EnrichWithHttpResponse = (span, _) => span.DisplayName = span.DisplayName.TrimEnd('/');
                })
                .AddHttpClientInstrumentation(
                    client => client.EnrichWithHttpRequestMessage = (span, request) => span.DisplayName = HttpSpanName.Of(request)))
            .UseOtlpExporter();
    }

    /// <summary>Sets the service name, unless <c>OTEL_SERVICE_NAME</c> is set, which the SDK has already read.</summary>
    private static void Name(ResourceBuilder resource, IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
        {
            resource.AddService(builder.Environment.ApplicationName);
        }
    }
}
