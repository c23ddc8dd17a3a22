using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Turns;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.UnitTests.Ops;

/// <summary>What operators read of a turn: its steps, and what it waits for.</summary>
public sealed class TurnTimelineTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Job = Guid.NewGuid();

    [Fact]
    public void A_failover_with_a_retried_tool_job_is_shown_in_the_order_of_time()
    {
        var trail = new TrailEntries
        {
            Gate = new("enforce", "primary", IsLocal: false, WaitedMs: 12,
                [new("user_inflight", 0, 1, null), new("global_msg_rate", 30, 20, "over")]),
            Calls =
            [
                new(At(0.1))
                {
                    Attempts =
                    [
                        new(At(0.1), "primary", "a/one", TrailAttempt.Failed, "upstream_error", 503, At(0.3)),
                            new(At(0.3), "secondary", "a/two", TrailAttempt.Chosen, null, null, At(0.5)),
                    ],
                    FirstTokenAt = At(0.6), EndedAt = At(0.8), Reason = "tool_calls", Tokens = 100,
                },
            ],
            Tools = [new("call_1", "search_web", At(0.9)) { Job = Job, JobAt = At(1), EndedAt = At(3), Source = "job" }],
            End = new("completed", null, null, null, 250, 1_500),
        };
        var job = Row("completed", attempts: 2) with
        {
            StartedAt = At(2), CompletedAt = At(2.9),
            History = """[{"attempt":1,"startedAt":"2026-05-01T12:00:01.1Z","endedAt":"2026-05-01T12:00:01.5Z","worker":"w1","error":"HTTP 503"}]""",
        };

        var events = TurnTimeline.Of(Facts(Turn(trail, "completed") with { EndedAt = At(4) }, job), null);

        Assert.Equal(
            [
                "gate Admitted (enforce) after 12 ms, slot of primary: user_inflight 0/1, global_msg_rate 30/20 over", "start Started",
                    "route Request to primary: a/one",
                "failover primary failed: upstream_error (503)", "route Request to secondary: a/two",
                    "first_token First token: after 500 ms",
                "call_end Model call ended: tool_calls, 100 tokens, 700 ms", "tool Tool search_web: call_1",
                    "job Job enqueued: search_web", "job Attempt 1 began: search_web on w1",
                "job Attempt 1 failed: search_web: HTTP 503", "job Attempt 2 began: search_web on w2", "job Job completed: search_web",
                    "tool_end Tool search_web ended: from job, 2.1 s", "end Ended: completed: 250 tokens, 4 s",
            ],
            events.Select(step => $"{step.Kind} {step.Title}{(step.Detail is { } detail && step.Kind != "start" ? $": {detail}" : "")}"));
    }

    [Theory]
    [InlineData(null, "provider", "The primary route has not responded for 5 s; model a/one. The circuit of the route is half-open.")]
    [InlineData(TrailAttempt.Chosen, "first_token",
        "The primary route has responded and sent no token for 4 s; model a/one. The circuit of the route is half-open.")]
    [InlineData(TrailAttempt.Failed, "provider",
        "The primary route failed (upstream_error); the next attempt follows. The circuit of the route is half-open.")]
    public void A_turn_without_a_token_waits_for_its_route(string? outcome, string kind, string text)
    {
        var attempt = new TrailAttempt(Start, "primary", "a/one", outcome, outcome == TrailAttempt.Failed ? "upstream_error" : null, null,
            outcome is null ? null : At(1));
        var circuit = new CircuitReading(ProviderRoute.GuardOf("primary"), "half_open", 1, 0, null, null, null, null, null);

        var wait = TurnWait.Of(
            Facts(Turn(new() { Calls = [new(Start) { Attempts = [attempt] }] })) with { Now = At(5), Circuits = [circuit] });

        Assert.Equal((kind, text, "primary", ProviderRoute.GuardOf("primary")), (wait!.Kind, wait.Text, wait.Route, wait.Provider));
    }

    [Theory]
    [InlineData("queued", 0, "A search_web job has been in its lane for 9 s, 7 due jobs before it.")]
    [InlineData("running", 1, "A search_web job has run for 3 s on w2 (attempt 1 of 3).")]
    [InlineData("retry", 1, "A search_web job runs again in 2.5 s (attempt 1 of 3 failed: HTTP 503).")]
    [InlineData("completed", 1, "Its search_web job has ended (completed); the turn takes the result.")]
    public void A_turn_with_an_open_tool_call_waits_for_its_job(string status, int attempts, string text)
    {
        var job = status == "retry"
            ? Row("queued", attempts) with { AvailableAt = At(12.5), LastError = "HTTP 503" }
            : Row(status, attempts) with { StartedAt = At(7), CreatedAt = At(1) };

        var wait = TurnWait.Of(Facts(Turn(WithTool()), job) with { Now = At(10), Positions = new Dictionary<Guid, int> { [Job] = 7 } });

        Assert.Equal(("tool_job", text, Job), (wait!.Kind, wait.Text, wait.Job));
    }

    [Fact]
    public void A_turn_that_nobody_reads_says_so()
    {
        var writing = Turn(new() { Calls = [new(Start) { FirstTokenAt = At(1) }] });

        Assert.Equal("reader", TurnWait.Of(Facts(writing) with { UnreadSince = At(8) })!.Kind);
        Assert.Equal("It writes its answer, and has had no reader for 2 s.",
            TurnWait.Of(Facts(writing) with { UnreadSince = At(8) })!.Text);
        Assert.EndsWith("It has had no reader for 2 s.", TurnWait.Of(Facts(Turn(WithTool())) with { UnreadSince = At(8) })!.Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_turn_of_a_dead_replica_and_an_ended_turn_wait_for_nothing_of_their_own()
    {
        Assert.Equal("dead_replica", TurnWait.Of(Facts(Turn(WithTool()) with { ReplicaLives = false }))!.Kind);
        Assert.Null(TurnWait.Of(Facts(Turn(WithTool(), "aborted"))));
        Assert.Equal("replica_lost", TurnTimeline.EndReason(Turn(WithTool(), "error")));
    }

    [Theory]
    [InlineData("STREAM:018f0000-0000-7000-8000-000000000001", true, false, false)]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736", false, true, false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, true, false)]
    [InlineData("018f0000-0000-7000-8000-000000000001", true, false, true)]
    [InlineData("VbS3kfmPf4jvdtQo", false, false, true)]
    public void Any_id_of_a_turn_is_recognized(string id, bool stream, bool trace, bool client)
    {
        Assert.True(TurnFilter.Read(null, null, null, null, id).TryGet(out var filter, out _));
        Assert.Equal((stream, trace, client, client),
            (filter.Stream is not null, filter.Trace is not null, filter.ClientThread == id, filter.ClientMessage == id));
    }

    [Theory]
    [InlineData("a", "018f0000-0000-7000-8000-000000000001", null)]
    [InlineData(null, "not a stream", null)]
    [InlineData(null, null, "not a trace")]
    public void An_impossible_search_is_refused(string? thread, string? stream, string? trace) =>
        Assert.False(TurnFilter.Read(thread, stream, null, trace, null).TryGet(out _, out _));

    private static DateTimeOffset At(double seconds) => Start + TimeSpan.FromSeconds(seconds);

    private static TrailEntries WithTool() => new()
    {
        Calls = [new(Start) { FirstTokenAt = At(1), EndedAt = At(1) }],
            Tools = [new("call_1", "search_web", At(1)) { Job = Job, JobAt = At(1) }],
    };

    private static StoredTurn Turn(TrailEntries trail, string status = "streaming") => new()
    {
        Id = Guid.NewGuid(), ThreadId = Guid.NewGuid(), MessageId = Guid.NewGuid(), ReplicaId = Guid.NewGuid(), Principal = "user:a",
            Status = status, StartedAt = Start,
        ReplicaLives = true, Trail = trail,
    };

    private static TurnFacts Facts(StoredTurn turn, ToolJobRow? job = null) =>
        new(turn, job is null ? new Dictionary<Guid, ToolJobRow>() : new() { [job.Id] = job }, new Dictionary<Guid, int>(), null, [],
            At(10));

    private static ToolJobRow Row(string status, int attempts) => new(Job, "search_web", "interactive", "user:a", status)
    {
        Attempts = attempts, MaxAttempts = 3, ReplayCount = 0, Waiters = 1, CreatedAt = At(1), AvailableAt = At(1), LeaseOwner = "w2",
            Arguments = "{}", History = "[]",
    };
}
