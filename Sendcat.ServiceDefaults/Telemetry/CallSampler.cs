using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Trace;

namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>
/// A call to a store, the broker or an upstream is recorded only inside a recorded span, so it never begins a trace. Background loops (heartbeats, renewals, sweeps) make nothing but such calls
/// most of the time. Every other span is sampled as <c>OTEL_TRACES_SAMPLER</c> says.
/// </summary>
internal sealed class CallSampler(Sampler others) : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.Kind is ActivityKind.Client or ActivityKind.Producer && !samplingParameters.ParentContext.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
            ? new(SamplingDecision.Drop)
            : others.ShouldSample(samplingParameters);

    /// <summary>The SDK does not read its variables any more when it is given a sampler. The same names, the same defaults.</summary>
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
        new(double.TryParse(configuration["OTEL_TRACES_SAMPLER_ARG"], NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : 1);
}
