using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Trace;

namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>
/// A sampler that records the span of a call to a store, the broker or an upstream only below a recorded span. Such a call therefore never
/// starts a trace. Most of the time background loops (heartbeats, renewals, sweeps) make only such calls. All other spans are sampled
/// according to <c>OTEL_TRACES_SAMPLER</c>.
/// </summary>
internal sealed class CallSampler(Sampler others) : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.Kind is ActivityKind.Client or ActivityKind.Producer
            && !samplingParameters.ParentContext.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                ? new(SamplingDecision.Drop)
                : others.ShouldSample(samplingParameters);

    /// <summary>
    /// Reads the sampler from the standard variables, with the names and the defaults of the SDK. The SDK ignores them when a sampler is
    /// set in code.
    /// </summary>
    public static CallSampler From(IConfiguration configuration)
    {
        Sampler fallback = new ParentBasedSampler(new AlwaysOnSampler());
        return new(configuration["OTEL_TRACES_SAMPLER"]?.Trim().ToLowerInvariant() switch
        {
            "always_on" => new AlwaysOnSampler(),
            "always_off" => new AlwaysOffSampler(),
            "traceidratio" => Ratio(configuration),
            "parentbased_always_on" => fallback,
            "parentbased_always_off" => new ParentBasedSampler(new AlwaysOffSampler()),
            "parentbased_traceidratio" => new ParentBasedSampler(Ratio(configuration)),
            _ => fallback,
        });
    }

    private static TraceIdRatioBasedSampler Ratio(IConfiguration configuration) =>
        new(
            double.TryParse(configuration["OTEL_TRACES_SAMPLER_ARG"], NumberStyles.Float, CultureInfo.InvariantCulture, out var share)
                && share is >= 0 and <= 1
                ? share
                : 1);
}
