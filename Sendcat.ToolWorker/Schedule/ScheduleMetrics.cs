using System.Diagnostics.Metrics;

namespace Sendcat.ToolWorker.Schedule;

/// <summary>Meter <c>Sendcat.Schedule</c>.</summary>
internal static class ScheduleMetrics
{
    private static readonly Meter Meter = new("Sendcat.Schedule");

    private static readonly Histogram<double> Runs = Meter.CreateHistogram<double>(
        "sendcat.schedule.duration", "s", "Duration of the runs of scheduled jobs, by job and outcome: succeeded, failed.");

    public static void Ran(string job, bool isSuccess, TimeSpan duration) =>
        Runs.Record(duration.TotalSeconds, new("job", job), new("outcome", isSuccess ? "succeeded" : "failed"));
}
