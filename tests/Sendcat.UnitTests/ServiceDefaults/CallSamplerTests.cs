using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Trace;
using Sendcat.ServiceDefaults.Telemetry;

namespace Sendcat.UnitTests.ServiceDefaults;

public sealed class CallSamplerTests
{
    private static readonly ActivityTraceId Trace = ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c");

    [Theory]
    [InlineData(ActivityKind.Client)]
    [InlineData(ActivityKind.Producer)]
    public void An_outgoing_call_never_starts_a_trace(ActivityKind kind)
    {
        var sampler = Sampler(("OTEL_TRACES_SAMPLER", "always_on"));

        Assert.Equal(SamplingDecision.Drop, Decide(sampler, kind, parent: default));
        Assert.Equal(SamplingDecision.Drop, Decide(sampler, kind, Parent(recorded: false)));
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(sampler, kind, Parent(recorded: true)));
    }

    [Theory]
    [InlineData(ActivityKind.Server)]
    [InlineData(ActivityKind.Internal)]
    [InlineData(ActivityKind.Consumer)]
    public void A_request_a_job_and_background_work_start_a_trace(ActivityKind kind) =>
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(Sampler(), kind, parent: default));

    [Theory]
    [InlineData(null, null, true, true, false)]
    [InlineData("always_on", null, true, true, true)]
    [InlineData("always_off", null, false, false, false)]
    [InlineData("ALWAYS_OFF", null, false, false, false)]
    [InlineData("parentbased_always_on", null, true, true, false)]
    [InlineData("parentbased_always_off", null, false, true, false)]
    [InlineData("traceidratio", "0", false, false, false)]
    [InlineData("traceidratio", "1", true, true, true)]
    [InlineData("traceidratio", "plenty", true, true, true)]
    [InlineData("parentbased_traceidratio", "0", false, true, false)]
    [InlineData("made_up", null, true, true, false)]
    public void The_standard_variables_select_the_sampler_of_other_spans(
        string? name, string? argument, bool root, bool belowRecorded, bool belowUnrecorded)
    {
        var sampler = Sampler(("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument));

        Assert.Equal(
            (root, belowRecorded, belowUnrecorded),
            (IsSampled(default), IsSampled(Parent(recorded: true)), IsSampled(Parent(recorded: false))));

        bool IsSampled(ActivityContext parent) => Decide(sampler, ActivityKind.Server, parent) == SamplingDecision.RecordAndSample;
    }

    private static CallSampler Sampler(params (string Name, string? Value)[] settings) =>
        CallSampler.From(
            new ConfigurationBuilder().AddInMemoryCollection(
                settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))).Build());

    private static ActivityContext Parent(bool recorded) =>
        new(
            Trace, ActivitySpanId.CreateFromString("b7ad6b7169203331"), recorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None,
            isRemote: true);

    private static SamplingDecision Decide(CallSampler sampler, ActivityKind kind, ActivityContext parent) =>
        sampler.ShouldSample(new(parent, parent == default ? Trace : parent.TraceId, "any", kind)).Decision;
}
