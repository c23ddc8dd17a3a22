using Sendcat.Reliability.Events;

namespace Sendcat.UnitTests.Reliability;

public sealed class EventTallyTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_000_000);

    private readonly EventTally _tally = new();

    [Fact]
    public void Equal_events_within_five_seconds_are_one_row_with_all_their_hits()
    {
        for (var n = 0; n < 100; n++)
        {
            _tally.Add(Blocked("user:a"), Now.AddMilliseconds(n));
        }

        _tally.Add(Blocked("user:b"), Now);
        _tally.Add(Blocked("user:a"), Now.AddSeconds(5));

        var rows = _tally.Drain();
        Assert.Equal([1, 1, 100], rows.Select(row => row.Hits).Order());
        Assert.Equal(3, rows.Select(row => row.DedupeKey).Distinct().Count());
        Assert.Contains(rows, row => row.DedupeKey == "chat_http|chat_stream|user:a|blocked||1000000");
        Assert.Empty(_tally.Drain());
    }

    [Fact]
    public void Events_with_new_keys_are_dropped_beyond_the_capacity()
    {
        for (var n = 0; n < EventTally.Capacity; n++)
        {
            Assert.Equal(EventTally.Fate.Recorded, _tally.Add(Blocked($"user:{n}"), Now));
        }

        Assert.Equal(EventTally.Fate.Dropped, _tally.Add(Blocked("user:new"), Now));
        Assert.Equal(EventTally.Fate.Repeated, _tally.Add(Blocked("user:0"), Now));
    }

    [Fact]
    public void Unwritten_events_are_merged_with_newer_events()
    {
        _tally.Add(Blocked("user:a"), Now);
        var unwritten = _tally.Drain();
        _tally.Add(Blocked("user:a"), Now);

        Assert.Equal(0, _tally.PutBack(unwritten));

        Assert.Equal(2, Assert.Single(_tally.Drain()).Hits);
    }

    [Fact]
    public void A_session_id_is_masked()
    {
        var masked = PrincipalMask.Of("chat_stream:session:5b0f1c9e-secret");

        Assert.StartsWith("chat_stream:session:#", masked, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", masked, StringComparison.Ordinal);
        Assert.Equal("chat_stream:user:42", PrincipalMask.Of("chat_stream:user:42"));
    }

    private static RateLimitEvent Blocked(string key) => new(RateLimitSource.ChatHttp, "chat_stream", key, RateLimitOutcome.Blocked, null);
}
