using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;

namespace Sendcat.UnitTests.Chat;

/// <summary>The notes about a turn, and when they are written.</summary>
public sealed class TurnTrailTests
{
    private readonly FakeTimeProvider _time = new(new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Notes_are_written_with_the_next_commit_and_only_once()
    {
        var trail = new TurnTrail(_time);
        var record = new TurnRecord(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), "user:a", null, _time.GetUtcNow()) { Trail = trail,
            TraceId = Guid.NewGuid() };
        var first = record.Changes();
        record.MarkWritten(first);
        Assert.False(record.Changes().Session.HasChanged);

        trail.CallBegan();
        var second = record.Changes();

        Assert.Equal((true, false, true),
            (first.Session.TraceId is not null, second.Session.TraceId is not null, second.Session.HasChanged));
        Assert.NotNull(second.Session.TrailJson);
        Assert.True(record.WrittenAsync().IsCompleted);
        trail.FirstToken();
        record.MarkWritten(second);
        Assert.NotNull(record.Changes().Session.TrailJson);
    }

    [Fact]
    public void Stored_notes_are_read_back_as_they_were()
    {
        var trail = new TurnTrail(_time);
        trail.CallBegan();
        trail.Attempted(new("primary", "a/one", null));
        trail.Attempted(new("primary", "a/one", new ProviderFaults("primary").Timeout(new TimeoutException())));
        trail.Attempted(new("secondary", "a/two", null));
        trail.RouteChosen();
        trail.FirstToken();
        trail.CallEnded("stop", 12);
        trail.ToolBegan("call_1", "search_web");
        trail.JobEntered("call_1", Guid.NewGuid(), joined: true);
        trail.ToolFound("call_1", LookupSource.StaleCache);
        trail.ToolEnded("call_1", new("text", Failed: true, Pressure: new("queue_timeout", true, 1000)));
        trail.Ended("user_abort", null, null, 12, 3);
        trail.Ended(null, null, null, 99, 99);

        var read = JsonSerializer.Deserialize(trail.Changes().Json!, TrailJson.Default.TrailEntries)!;

        Assert.Equal(JsonSerializer.Serialize(trail.Entries, TrailJson.Default.TrailEntries),
            JsonSerializer.Serialize(read, TrailJson.Default.TrailEntries));
        Assert.Equal([("primary", "failed"), ("secondary", "chosen")],
            read.Calls.Single().Attempts.Select(attempt => (attempt.Route, attempt.Outcome)));
        Assert.Equal(("stale_cache", "queue_timeout", true, true),
            (read.Tools[0].Source, read.Tools[0].Backpressure, read.Tools[0].Failed, read.Tools[0].Joined));
        Assert.Equal(("user_abort", 12L), (read.End!.Reason, read.End.Tokens));
    }
}
