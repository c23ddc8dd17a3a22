using Sendcat.Reliability.Alerts;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about the providers that Sendcat calls.</summary>
internal static class ProviderRules
{
    private const string FailoverBucket = "provider_failover";
    private const string Closed = "closed";
    private const string HalfOpen = "half_open";
    private const string Chat = "/api/chat";

    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of("circuit_open", AlertSeverity.Ticket, "a circuit opened", Snapshot, "the circuit is closed for a minute"),
            AlertFeature.Service, Open),
        new(
            Of("circuit_open_long", AlertSeverity.Page, "a circuit is not closed for over a minute", Snapshot,
                "the circuit is closed for a minute")
                with { For = TimeSpan.FromMinutes(1) },
            AlertFeature.Service, OpenLong),
        new(
            Of("quota", AlertSeverity.Page, "a provider refuses calls because our account has no money or quota left (402)", Snapshot,
                "the provider accepts a probe"),
            AlertFeature.Service, (facts, _, kind) => Suspended(facts, kind, "quota", "Our account has no money or quota left")),
        new(
            Of("key_refused", AlertSeverity.Page, "a provider refuses our key (401)", Snapshot, "the provider accepts a probe"),
            AlertFeature.Service, (facts, _, kind) => Suspended(facts, kind, "key", "Our key is refused")),
        new(
            Of("failovers", AlertSeverity.Ticket, "at least 5 failovers in five minutes, in more than 20 % of the turns", Snapshot,
                "five minutes with fewer failovers"),
            AlertFeature.Service, Failovers),
    ];

    private static IEnumerable<AlertFinding>? Open(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        NotClosed(facts, kind, "its circuit opened");

    private static IEnumerable<AlertFinding>? OpenLong(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        NotClosed(facts, kind, "its circuit has not been closed for over a minute,");

    private static IEnumerable<AlertFinding>? NotClosed(AlertFacts facts, AlertKind kind, string what) =>
        facts.Snapshot is not { } snapshot ? null
        : from circuit in snapshot.CircuitBreakers.Recent
          where circuit.State != Closed && circuit.Suspended is null
          let error = circuit.LastError is { } last ? $"; the last error: {last}" : ""
          let failures = circuit.FailureCount == 1 ? "1 failure" : Text($"{circuit.FailureCount} failures")
          let opened = $"{what} after {failures}{error}."
          select Finding(kind, circuit, circuit.State == HalfOpen
              ? $"Provider {circuit.Provider} failed, and no call has shown yet whether it works again: {opened} The next call is the test."
              : $"Provider {circuit.Provider} fails: {opened}");

    private static IEnumerable<AlertFinding>? Suspended(AlertFacts facts, AlertKind kind, string reason, string sentence) =>
        facts.Snapshot?.CircuitBreakers.Recent.Where(circuit => circuit.Suspended == reason)
            .Select(circuit => Finding(kind, circuit, $"{sentence} at {circuit.Provider}: it is suspended, and probed from time to time."));

    private static AlertFinding Finding(AlertKind kind, CircuitFact circuit, string cause) =>
        new(kind, circuit.Provider, circuit.FailureCount, 0, cause)
        {
            Tags = new Dictionary<string, string>(StringComparer.Ordinal) { ["provider"] = circuit.Provider },
        };

    private static IEnumerable<AlertFinding>? Failovers(AlertFacts facts, AlertPolicy policy, AlertKind kind)
    {
        if (facts.Snapshot is not { RateLimitPressure: { } pressure }
            || facts.Slo?.Endpoints.FirstOrDefault(it => it.Endpoint == Chat) is not { } chat)
        {
            return null;
        }

        var failovers = pressure.ByBucketOutcome.GetValueOrDefault($"{FailoverBucket}:{AlertPolicy.Blocked}");
        // The running minute is not written yet, so the share of a busy one may look too large: the failovers count as turns at least.
        var turns = Math.Max(chat.Minutes.Sum(minute => minute.Served + minute.Failed), failovers);
        var prefix = $"{FailoverBucket}:{AlertPolicy.Blocked}:";
        var codes = pressure.ByBucketOutcomeReason.Where(reason => reason.Key.StartsWith(prefix, StringComparison.Ordinal))
            .OrderByDescending(reason => reason.Value).Select(reason => reason.Key[prefix.Length..]).Take(3);
        var why = string.Join(", ", codes);
        var cause = Text($"{failovers} calls of the last five minutes moved to the second route, because the first one failed ({why}).");
        return failovers >= policy.LeastFailovers && failovers > turns * policy.FailoverShare
            ? [new(kind, "", failovers, policy.LeastFailovers, cause)]
            : [];
    }
}
