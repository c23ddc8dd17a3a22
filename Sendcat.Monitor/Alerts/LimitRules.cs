using Sendcat.Reliability.Alerts;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about limits and bulkheads.</summary>
internal static class LimitRules
{
    private static readonly TimeSpan Cooldown = TimeSpan.FromMinutes(30);

    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of(
                "rate_limit_blocked", AlertSeverity.Ticket, "refusals of a bucket in five minutes reach its threshold", Snapshot,
                "five minutes with fewer refusals") with
            { Cooldown = Cooldown },
            AlertFeature.RateLimit, Blocked),
        new(
            Of(
                "rate_limit_contention", AlertSeverity.Ticket, "decisions without Redis of a bucket in five minutes reach its threshold",
                Snapshot, "five minutes with fewer decisions without Redis") with
            { Cooldown = Cooldown },
            AlertFeature.RateLimit, Contention),
        new(
            Of(
                "bulkhead_full", AlertSeverity.Ticket, "all slots of a provider are taken", Snapshot, "free slots for a minute") with
            { Cooldown = TimeSpan.FromMinutes(1) },
            AlertFeature.Bulkhead, Full),
    ];

    private static IEnumerable<AlertFinding>? Blocked(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Snapshot is not { RateLimitPressure: { } pressure } ? null
        : from bucket in policy.BlockedFrom
          let hits = pressure.ByBucketOutcome.GetValueOrDefault($"{bucket.Key}:{AlertPolicy.Blocked}")
          where hits >= bucket.Value
          select Finding(
              kind, facts, bucket.Key, AlertPolicy.Blocked, hits, bucket.Value,
              Text($"{hits} requests were refused by {bucket.Key} in {AlertPolicy.WindowMinutes} minutes"));

    private static IEnumerable<AlertFinding>? Contention(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Snapshot is not { RateLimitPressure: { } pressure } ? null
        : from bucket in policy.BlockedFrom.Keys
          let hits = pressure.ByBucketOutcome.GetValueOrDefault($"{bucket}:{AlertPolicy.Contention}")
          let threshold = policy.ContentionFrom.GetValueOrDefault(bucket, policy.OtherContentionFrom)
          where hits >= threshold
          select Finding(
              kind, facts, bucket, AlertPolicy.Contention, hits, threshold,
              Text($"Redis did not respond: {hits} decisions of {bucket} in {AlertPolicy.WindowMinutes} minutes were made without it"));

    private static AlertFinding Finding(
        AlertKind kind, AlertFacts facts, string bucket, string outcome, long hits, int threshold, string sentence) =>
        new(kind, bucket, hits, threshold, $"{sentence}{Reason(facts, bucket, outcome)}{Caller(facts, bucket, outcome, hits)}.")
        {
            Tags = new Dictionary<string, string>(StringComparer.Ordinal) { [AlertTags.Bucket] = bucket, [AlertTags.Outcome] = outcome },
        };

    private static string Reason(AlertFacts facts, string bucket, string outcome)
    {
        var start = $"{bucket}:{outcome}:";
        var most = facts.Snapshot!.RateLimitPressure.ByBucketOutcomeReason
            .Where(reason => reason.Key.StartsWith(start, StringComparison.Ordinal) && reason.Key != $"{start}none")
            .OrderByDescending(reason => reason.Value).ThenBy(reason => reason.Key, StringComparer.Ordinal).FirstOrDefault();
        return most.Key is null ? "" : $", most for {most.Key[start.Length..]}";
    }

    /// <summary>
    /// The caller with most refusals, by the name that <c>./sendcat block</c> takes. Decisions without Redis are nobody's fault.
    /// </summary>
    private static string Caller(AlertFacts facts, string bucket, string outcome, long hits)
    {
        if (outcome != AlertPolicy.Blocked)
        {
            return "";
        }

        var callers = (facts.Conditions?.Callers ?? []).Where(caller => caller.Bucket == bucket && caller.Outcome == outcome).ToList();
        return callers.MaxBy(caller => caller.Hits) is { } first
            ? Text($"; caller {NameOf(first.Caller, bucket)} has {Math.Min(first.Hits, hits)} of them")
            : "";
    }

    private static string NameOf(string key, string bucket) =>
        key.StartsWith($"{bucket}:", StringComparison.Ordinal) ? key[(bucket.Length + 1)..] : key;

    private static IEnumerable<AlertFinding>? Full(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Snapshot is not { } snapshot ? null
        : from bulkhead in snapshot.Config.Bulkheads
          let inFlight = snapshot.Bulkheads.InFlightByProvider.GetValueOrDefault(bulkhead.Key)
          where inFlight >= bulkhead.Value.MaxConcurrent
          select new AlertFinding(
              kind, bulkhead.Key, inFlight, bulkhead.Value.MaxConcurrent,
              Text($"All {bulkhead.Value.MaxConcurrent} slots of {bulkhead.Key} are taken: further calls are refused."))
          {
              Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["provider"] = bulkhead.Key },
          };
}
