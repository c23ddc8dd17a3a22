using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>How the ends of turns count.</summary>
public sealed class TurnServiceLevelTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_completed_turn_is_served_with_its_first_token_and_its_duration()
    {
        var (accepted, first) = (_time.GetTimestamp(), After(Second));
        After(8 * Second);

        Assert.Equal(new(SliOutcome.Served, null, Second, 9 * Second), Of(new ChatEvent.Done("stop"), null, accepted, first));
    }

    [Fact]
    public void A_failed_turn_has_its_code_as_reason_and_no_completion()
    {
        var (accepted, first) = (_time.GetTimestamp(), After(Second));
        After(8 * Second);

        Assert.Equal(new(SliOutcome.Failed, "upstream_error", Second), Of(Error("upstream_error"), null, accepted, first));
        Assert.Equal(
            new(SliOutcome.Failed, "upstream_timeout", Second), Of(Error("upstream_timeout"), TurnEnding.TimeLimit, accepted, first));
        Assert.Equal(
            new(SliOutcome.Failed, "upstream_unavailable", Second),
            Of(Error("upstream_unavailable"), TurnEnding.HostStopping, accepted, first));
    }

    [Fact]
    public void What_the_provider_does_not_accept_of_the_caller_burns_no_budget() =>
        Assert.Equal(SliOutcome.Rejected, Of(Error("upstream_bad_request"), null, _time.GetTimestamp(), null).Outcome);

    [Fact]
    public void An_aborted_turn_is_neither_served_nor_failed_and_keeps_its_first_token()
    {
        var (accepted, first) = (_time.GetTimestamp(), After(Second));

        Assert.Equal(new(SliOutcome.Aborted, null, Second), Of(new ChatEvent.Aborted(), TurnEnding.UserAbort, accepted, first));
        Assert.Equal(SliOutcome.Aborted, Of(Error("thread_deleted"), TurnEnding.ThreadDeleted, accepted, first).Outcome);
    }

    [Theory]
    [InlineData(3, null)]
    [InlineData(4, 4)]
    public void A_turn_that_ends_without_a_token_counts_as_late_when_its_user_waited_longer_than_any_objective(int waited, int? firstToken)
    {
        var accepted = _time.GetTimestamp();
        After(waited * Second);

        Assert.Equal(firstToken * Second, Of(new ChatEvent.Aborted(), TurnEnding.UserAbort, accepted, null).FirstToken);
        Assert.Equal(firstToken * Second, Of(Error("upstream_timeout"), null, accepted, null).FirstToken);
    }

    [Fact]
    public void A_turn_of_a_message_that_another_turn_answers_is_not_counted() =>
        Assert.Null(TurnServiceLevel.Of(new ChatEvent.Aborted(), TurnEnding.Repeated, _time.GetTimestamp(), null, _time));

    private SliRequest Of(ChatEvent last, TurnEnding? ending, long accepted, long? first) =>
        Assert.NotNull(TurnServiceLevel.Of(last, ending, accepted, first, _time));

    private long After(TimeSpan time)
    {
        _time.Advance(time);
        return _time.GetTimestamp();
    }

    private static ChatEvent.Error Error(string code) => new(code, "", true, null, null, null);
}
