using Sendcat.Monitor.Alerts;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>What a system without faults reports under load, for tests that change a part of it.</summary>
internal static class Facts
{
    public static readonly Uri Api = new("http://127.0.0.1:5080/");

    public static AlertFacts Healthy { get; } = new(DateTimeOffset.UnixEpoch)
    {
        Apis = [new(Api, null, new("ok", null, new("2 of 300 turns of the last minute are bad.", 300, 1, 1, 0, 0, 0)))],
        Snapshot = new(
            new(
                new Dictionary<string, BulkheadConfigFacts> { ["openrouter_chat_primary"] = new(24), ["ebay_search"] = new(8) },
                new(8_000, new Dictionary<string, int> { ["search_web"] = 80, ["search_products"] = 80 }),
                new(true, 900_000)),
            new(
                new Dictionary<string, long>
                {
                    ["chat_admission:allowed"] = 1_500, ["chat_admission:blocked"] = 5, ["whatsapp_webhook:blocked"] = 39,
                },
                new Dictionary<string, long> { ["chat_admission:blocked:user_inflight"] = 5, ["whatsapp_webhook:blocked:none"] = 39 }),
            new([new("openrouter_chat_primary", "closed", 1, null, null), new("ebay_search", "closed", 0, null, null)]),
            new(new Dictionary<string, int> { ["openrouter_chat_primary"] = 23, ["ebay_search"] = 2 }),
            new(new Dictionary<string, LaneFacts> { ["search_web"] = new(2, 300, 1), ["deliveries"] = new(1, 60_000, 0.5) })),
        Queue = new(new([new("queued_depth", 3, 200), new("dead_letter_depth", 20, 20), new("oldest_queued_age", 300, 60_000)])),
        Conditions = new([], [], 0, [], []),
        Slo = new(
            [
                new(
                    "/api/chat", "availability",
                    [
                        new("burn_14.4", "page", "quiet", new(60, 18_000, 60, 0.7)),
                        new("absolute_3m", "page", "unknown", new(3, 0, 0, null)),
                    ]),
            ],
            [
                new(
                    "/api/chat",
                    [.. Enumerable.Range(0, 5).Select(minute => new SloMinuteFact(DateTimeOffset.UnixEpoch.AddMinutes(minute), 298, 1))]),
            ]),
    };

    public static AlertFacts With(this AlertFacts facts, string counter, long hits, string reason = "none") => facts with
    {
        Snapshot = facts.Snapshot! with
        {
            RateLimitPressure = new(
                new Dictionary<string, long>(facts.Snapshot.RateLimitPressure.ByBucketOutcome) { [counter] = hits },
                new Dictionary<string, long>(facts.Snapshot.RateLimitPressure.ByBucketOutcomeReason) { [$"{counter}:{reason}"] = hits }),
        },
    };

    public static AlertFacts With(this AlertFacts facts, CircuitFact circuit) => facts with
    {
        Snapshot = facts.Snapshot! with
        {
            CircuitBreakers = new([.. facts.Snapshot.CircuitBreakers.Recent.Where(other => other.Provider != circuit.Provider), circuit]),
        },
    };

    public static AlertFacts With(this AlertFacts facts, HealthFacts health) =>
        facts with { Apis = [facts.Apis[0] with { Health = health }] };

    public static AlertFacts With(this AlertFacts facts, params QueueFindingFact[] findings) => facts with { Queue = new(new(findings)) };

    public static AlertFacts With(this AlertFacts facts, Func<ConditionFacts, ConditionFacts> change) =>
        facts with { Conditions = change(facts.Conditions!) };
}
