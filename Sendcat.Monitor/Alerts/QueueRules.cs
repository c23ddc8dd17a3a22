using Sendcat.Reliability.Alerts;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about tool jobs and the workers that run them.</summary>
internal static class QueueRules
{
    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of(
                "tool_queue", AlertSeverity.Ticket, "a depth or an age of the tool queue exceeds its knob (`TOOL_QUEUE_ALERT_MAX_*`)",
                Groups, "all values within their knobs for a minute"),
            AlertFeature.ToolQueue, Health),
        new(
            Of(
                "tool_wait", AlertSeverity.Page, "a job that a turn waits for is due longer than `TOOL_JOB_WAIT_MS`", Snapshot,
                "jobs start before their turns give up"),
            AlertFeature.ToolQueue, Wait),
        new(
            Of(
                "worker_silent", AlertSeverity.Page,
                "a worker holds running jobs, and its heartbeat is gone or half of the time of their leases has passed without renewal",
                Snapshot, "no silent worker holds jobs; another worker has started them again"),
            AlertFeature.Service, Silent),
        new(
            Of(
                "lease_stuck", AlertSeverity.Page, "a lease ended at least one lease time ago and was not taken back", Groups,
                "all leases are renewed or taken back"),
            AlertFeature.Service, Stuck),
    ];

    private static IEnumerable<AlertFinding>? Health(AlertFacts facts, AlertPolicy policy, AlertKind kind)
    {
        if (facts.Queue is not { } queue || facts.Snapshot is not { } snapshot)
        {
            return null;
        }

        var settings = snapshot.Config.ToolQueueAlerts;
        var timed = kind with { Cooldown = TimeSpan.FromMilliseconds(settings.CooldownMs) };
        return !settings.Enabled ? []
            : from finding in queue.Health.Findings
              where finding.Observed > finding.Threshold
              select new AlertFinding(timed, finding.Kind, finding.Observed, finding.Threshold, Sentence(finding, snapshot))
              {
                  Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["kind"] = finding.Kind },
              };
    }

    /// <summary>Names the open circuits: they are why jobs fail and wait.</summary>
    private static string Sentence(QueueFindingFact finding, SnapshotFacts snapshot)
    {
        var open = snapshot.CircuitBreakers.Recent.Where(circuit => circuit.State != "closed").Select(circuit => circuit.Provider).ToList();
        var because = open.Count == 0 ? "" : $" Open circuits: {string.Join(", ", open)}.";
        return Text($"The tool queue has {finding.Kind} {finding.Observed}, more than {finding.Threshold}.{because}");
    }

    private static IEnumerable<AlertFinding>? Wait(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Snapshot is not { } snapshot ? null
        : from lane in snapshot.ToolJobs.PressureByTool
          let wait = snapshot.Config.ToolJobs.WaitTimeoutMs
          let age = lane.Value.OldestQueuedAgeMs
          where snapshot.Config.ToolJobs.MaxQueuedByTool.ContainsKey(lane.Key) && age > wait
          let busy = lane.Value.RunningUtilization >= 1 ? "the lane works, but too slowly" : "no worker takes them"
          select new AlertFinding(
              kind, lane.Key, age, wait,
              Text($"{lane.Value.Due} jobs of {lane.Key} are due, the oldest for {age} ms, while turns wait {wait} ms: {busy}."))
          {
              Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["kind"] = lane.Key },
          };

    private static IEnumerable<AlertFinding>? Silent(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Conditions is not { } conditions ? null
        : from worker in conditions.SilentWorkers
          let jobs = Text($"{worker.Jobs} running jobs ({string.Join(", ", worker.Tools)})")
          select new AlertFinding(
              kind, worker.Worker, worker.Jobs, 0,
              Text($"Worker {worker.Worker} is killed or frozen: silent for {worker.SilentMs / 1_000} s with {jobs}."));

    private static IEnumerable<AlertFinding>? Stuck(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Conditions is not { } conditions ? null
        : from lease in conditions.StuckLeases
          select new AlertFinding(
              kind, $"{lease.What}:{lease.Name}", lease.Count, 0,
              Text($"{lease.Count} leases of {lease.What} ({lease.Name}) ended, and nobody took them back: no sweeper or schedule runs."));
}
