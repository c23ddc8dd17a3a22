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

/// <summary>Traces, metrics and logs over OTLP. Without <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> nothing listens and nothing is paid for. docs/telemetry.md lists what there is to see.</summary>
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

        // With its own default, trace context and baggage, the instrumentation of HttpClient writes headers by itself, into calls to third parties as well. With this one it leaves them to each client's handler.
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
                    // The template of a group's own route ends with a slash that its address does not have.
                    server.EnrichWithHttpResponse = (span, _) => span.DisplayName = span.DisplayName.TrimEnd('/');
                })
                .AddHttpClientInstrumentation(client => client.EnrichWithHttpRequestMessage = (span, request) => span.DisplayName = HttpSpanName.Of(request)))
            .UseOtlpExporter();
    }

    /// <summary>The standard variable wins; the SDK has read it already.</summary>
    private static void Name(ResourceBuilder resource, IHostApplicationBuilder builder)
    {
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
        {
            resource.AddService(builder.Environment.ApplicationName);
        }
    }
}
