using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Alerts;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>Incidents as the API reports them, judged every 15 s on a simulated clock.</summary>
public sealed class IncidentTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What is seen, and from which second after the fault.</summary>
    public static TheoryData<string, string[], string> Incidents => new()
    {
        { "provider 503", ["turns_bad", "circuit_open", "circuit_open_long"], "openrouter_chat_primary" },
        { "provider slow", ["turns_bad", "first_token_slow"], "The model provider is slow" },
        { "shops down", ["circuit_open", "circuit_open_long", "tool_queue"], "ebay_search" },
        { "worker killed and worker frozen", ["worker_silent"], "is killed or frozen" },
        { "Redis emptied", ["redis_emptied"], "Redis came back without its data" },
        { "one caller floods", ["rate_limit_blocked"], "caller user:42" },
    };

    [Theory]
    [MemberData(nameof(Incidents))]
    public async Task An_incident_leads_to_an_alert_that_names_its_cause_within_a_minute(string incident, string[] kinds, string cause)
    {
        var run = new Run();
        await run.ForAsync(TimeSpan.FromMinutes(5), _ => Facts.Healthy);
        Assert.Empty(run.Raised);

        var fault = run.Now;
        await run.ForAsync(TimeSpan.FromMinutes(3), since => During(incident, since));
        await run.ForAsync(TimeSpan.FromMinutes(2), _ => Facts.Healthy);

        var named = run.Raised.Where(alert => alert.Cause.Contains(cause, StringComparison.Ordinal)).MinBy(alert => alert.RaisedAt);
        Assert.NotNull(named);
        Assert.InRange(named.RaisedAt - fault, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Equal(
            kinds.Order(StringComparer.Ordinal),
            run.Raised.Select(alert => alert.Kind).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.All(run.Raised, alert => Assert.NotNull(alert.ResolvedAt));
    }

    [Fact]
    public async Task An_hour_without_a_fault_raises_nothing()
    {
        var run = new Run();

        await run.ForAsync(TimeSpan.FromHours(1), _ => Facts.Healthy);

        Assert.Empty(run.Raised);
    }

    /// <summary>Ten seconds pass until the API itself sees anything: until a turn is late, a heartbeat missed, a circuit open.</summary>
    private static AlertFacts During(string incident, TimeSpan since) => since < TimeSpan.FromSeconds(10) ? Facts.Healthy : incident switch
    {
        "provider 503" => Facts.Healthy.With(new CircuitFact("openrouter_chat_primary", "open", 5, "503 Service Unavailable", null))
            .With(
                new HealthFacts("failing", "provider", new("8 of 9 turns failed. The model provider is slow or fails", 9, 8, 0, 0, 0, 0))),
        "provider slow" => Facts.Healthy.With(
            new HealthFacts("failing", "provider", new("5 of 6 turns wait. The model provider is slow or fails", 1, 0, 0, 0, 0, 5))),
        "shops down" => Facts.Healthy.With(new CircuitFact("ebay_search", "open", 4, "503", null))
            .With(new QueueFindingFact("dead_letter_depth", since > TimeSpan.FromMinutes(1) ? 136 : 3, 20)),
        "worker killed and worker frozen" => Facts.Healthy.With(conditions => conditions with
        {
            // Their jobs are started again when the leases end.
            SilentWorkers = since < TimeSpan.FromSeconds(45)
                ? [new("host:11:killed", 1, ["search_web"], 12_000), new("host:12:frozen", 2, ["search_web"], 12_000)]
                : [],
        }),
        "Redis emptied" => Facts.Healthy.With("redis_data_lost:contention_fallback", 3),
        "one caller floods" => Facts.Healthy.With("chat_admission:blocked", 30 + (long)since.TotalSeconds, "user_inflight")
            .With(conditions => conditions with { Callers = [new("chat_admission", "blocked", "chat_admission:user:42", 500)] }),
        _ => throw new ArgumentOutOfRangeException(nameof(incident)),
    };

    /// <summary>Rounds of the watcher without its network.</summary>
    private sealed class Run
    {
        private readonly MemoryAlertStore _store = new([]);
        private IReadOnlyDictionary<AlertKey, DateTimeOffset> _pending = new Dictionary<AlertKey, DateTimeOffset>();

        public DateTimeOffset Now { get; private set; } = Start;

        public IReadOnlyList<Alert> Raised => _store.Alerts;

        public async Task ForAsync(TimeSpan time, Func<TimeSpan, AlertFacts> facts)
        {
            for (var begin = Now; Now < begin + time; Now += AlertWatcher.Interval)
            {
                var round = AlertRules.Judge(facts(Now - begin), AlertPolicy.Default);
                var step = AlertBook.Step(await _store.KnownAsync(Now, CancellationToken.None), _pending, round, Now);
                _pending = step.Pending;
                await _store.CommitAsync(step.Changes, (_, _) => [], Now, CancellationToken.None);
            }
        }
    }
}
