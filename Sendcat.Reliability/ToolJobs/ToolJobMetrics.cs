using System.Diagnostics.Metrics;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>The meter <c>Sendcat.ToolJobs</c>. Tags: the tool and a small closed set of outcomes.</summary>
public sealed class ToolJobMetrics
{
    public const string MeterName = "Sendcat.ToolJobs";

    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Counter<long> _entered;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _waits;
    private readonly Counter<long> _published;
    private readonly Counter<long> _rescued;
    private readonly Histogram<double> _waited;
    private readonly Histogram<double> _ran;

    public ToolJobMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _entered = meter.CreateCounter<long>(
            "sendcat.tool_jobs.entered", description: "Tool calls by tool and outcome: accepted, joined, refused, would_refuse");
        _ended = meter.CreateCounter<long>(
            "sendcat.tool_jobs.attempts",
            description: "Attempts by tool and outcome: completed, requeued, failed, dead_letter, late (its lease was gone), handed_back");
        _waits = meter.CreateCounter<long>("sendcat.tool_jobs.waits", description: "Waits of turns by tool and outcome");
        _published = meter.CreateCounter<long>("sendcat.tool_jobs.published", description: "Messages confirmed by the broker, by tool");
        _rescued = meter.CreateCounter<long>(
            "sendcat.tool_jobs.rescued", description: "Jobs by tool and what the sweeper did: requeued, dead_letter, announced, removed");
        _waited = meter.CreateHistogram(
            "sendcat.tool_jobs.queue_time", unit: "s", description: "From due to started, by tool",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
        _ran = meter.CreateHistogram(
            "sendcat.tool_jobs.run_time", unit: "s", description: "Of one attempt, by tool and outcome",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
    }

    public void Started(string tool, TimeSpan waited) =>
        _waited.Record(waited.TotalSeconds, new KeyValuePair<string, object?>("tool", tool));

    public void Ended(string tool, string outcome, TimeSpan ran)
    {
        _ended.Add(1, new("tool", tool), new("outcome", outcome));
        _ran.Record(ran.TotalSeconds, new("tool", tool), new("outcome", outcome));
    }

    internal void Entered(ToolLane lane, EnteredJob job) =>
        _entered.Add(1, new("tool", lane.Tool), new("outcome", job switch
        {
            { Id: null } => "refused",
            { Joined: true } => "joined",
            { OverCap: true } => "would_refuse",
            _ => "accepted",
        }));

    internal void Waited(ToolLane lane, ToolJobOutcome outcome) =>
        _waits.Add(1, new("tool", lane.Tool), new("outcome", outcome switch
        {
            ToolJobOutcome.Completed => "completed",
            ToolJobOutcome.Failed => "failed",
            ToolJobOutcome.TimedOut => "timeout",
            ToolJobOutcome.Saturated => "saturated",
            ToolJobOutcome.Cancelled => "cancelled",
            _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
        }));

    internal void Published(string tool, int count) => _published.Add(count, new KeyValuePair<string, object?>("tool", tool));

    internal void Rescued(string tool, string how, int count = 1) => _rescued.Add(count, new("tool", tool), new("how", how));
}
