using Sendcat.ApiService.Chat;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Chat;

/// <summary>The verdict of the health check, from the outcomes of a minute.</summary>
public sealed class ChatVerdictTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 30, TimeSpan.Zero);
    private static readonly VerdictPolicy Policy = SloPolicy.Default.Verdict;

    private readonly RecentRequests _recent = new(Policy);

    [Fact]
    public void The_policy_is_20_percent_and_10_seconds() =>
        Assert.Equal((0.2, 10_000), (Policy.BadShare, Policy.FirstTokenMs));

    [Theory]
    [InlineData(8, 2, "ok")]
    [InlineData(7, 2, "degraded")]
    [InlineData(3, 2, "degraded")]
    [InlineData(2, 2, "failing")]
    [InlineData(2, 1, "ok")]
    [InlineData(0, 1, "ok")]
    [InlineData(0, 0, "ok")]
    public void More_than_a_fifth_of_the_turns_and_at_least_two_turn_the_verdict(int served, int failed, string verdict)
    {
        Add(served, new(SliOutcome.Served, FirstToken: TimeSpan.FromSeconds(1)));
        Add(failed, new(SliOutcome.Failed, "upstream_unavailable"));

        Assert.Equal(verdict, Verdict().Verdict);
    }

    [Theory]
    [InlineData("upstream_unavailable", "provider")]
    [InlineData("upstream_timeout", "provider")]
    [InlineData("upstream_rate_limited", "provider")]
    [InlineData("upstream_auth", "key")]
    [InlineData("upstream_quota_exceeded", "key")]
    [InlineData("route_suspended", "key")]
    [InlineData("route_isolated", "operator")]
    [InlineData("store_unavailable", "store")]
    [InlineData("redis_unavailable", "store")]
    [InlineData("user_inflight", "caller")]
    [InlineData("chat_stream", "caller")]
    [InlineData("chat_ip", "caller")]
    [InlineData("global_inflight", "capacity")]
    [InlineData("internal_error", "service")]
    public void The_cause_is_the_most_frequent_one(string reason, string cause)
    {
        Add(3, new(SliOutcome.Failed, reason));
        Add(2, new(SliOutcome.Failed, "another_limit"));

        Assert.Equal(cause, Verdict().Cause);
        Assert.Contains($"{reason} 3", Verdict().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Late_first_tokens_and_turns_that_still_wait_for_one_count_with_the_provider_as_cause()
    {
        Add(4, new(SliOutcome.Served, FirstToken: TimeSpan.FromSeconds(10)));
        Add(1, new(SliOutcome.Aborted, FirstToken: TimeSpan.FromSeconds(11)));
        Assert.Equal("ok", Verdict().Verdict);

        var verdict = Verdict(waiting: 1);

        Assert.Equal(("degraded", "provider"), (verdict.Verdict, verdict.Cause));
        Assert.StartsWith("2 of 6 turns of the last minute", verdict.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Turns_that_wait_are_not_hidden_by_the_fast_ones_before_them()
    {
        Add(70, new(SliOutcome.Served, FirstToken: TimeSpan.FromMilliseconds(200)), Now.AddSeconds(-20));
        Add(4, new(SliOutcome.Served, FirstToken: TimeSpan.FromMilliseconds(200)));
        Assert.Equal("ok", Verdict(waiting: 3).Verdict);

        var verdict = Verdict(waiting: 4);

        Assert.Equal(("failing", "provider"), (verdict.Verdict, verdict.Cause));
        Assert.StartsWith("4 of 8 turns of the last 15 seconds", verdict.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_few_slow_turns_among_many_of_the_last_seconds_are_no_fault()
    {
        Add(20, new(SliOutcome.Served, FirstToken: TimeSpan.FromMilliseconds(200)));

        Assert.Equal("ok", Verdict(waiting: 4).Verdict);
        Assert.Equal("degraded", Verdict(waiting: 6).Verdict);
    }

    [Fact]
    public void Partial_results_have_the_lane_as_cause()
    {
        Add(2, new(SliOutcome.Served, IsPartial: true));

        Assert.Equal(("failing", "lane"), (Verdict().Verdict, Verdict().Cause));
    }

    [Fact]
    public void Requests_that_were_rejected_or_left_by_their_caller_do_not_count()
    {
        Add(50, new(SliOutcome.Rejected, "invalid_request"));
        Add(50, new(SliOutcome.Aborted, FirstToken: TimeSpan.FromSeconds(1)));
        Add(10, new(SliOutcome.Served));

        var recent = _recent.Read(Now);

        Assert.Equal((10, 0), (recent.Turns, recent.Bad));
    }

    [Fact]
    public void A_minute_later_the_turns_do_not_count()
    {
        Add(5, new(SliOutcome.Failed, "upstream_timeout"));

        Assert.Equal(5, _recent.Read(Now.AddSeconds(55)).Bad);
        Assert.Equal(0, _recent.Read(Now.AddSeconds(60)).Turns);
    }

    [Fact]
    public void Without_a_key_or_a_store_no_turn_can_start()
    {
        Assert.Equal(
            ("failing", "key"),
            (ChatVerdict.CannotStart(keyConfigured: false).Verdict, ChatVerdict.CannotStart(keyConfigured: false).Cause));
        Assert.Equal("store", ChatVerdict.CannotStart(keyConfigured: true).Cause);
    }

    private ChatVerdict Verdict(int waiting = 0) => ChatVerdict.Of(Policy, _recent.Read(Now), _recent.ReadLatest(Now), waiting);

    private void Add(int times, SliRequest request, DateTimeOffset? at = null)
    {
        for (var n = 0; n < times; n++)
        {
            _recent.Add(request, at ?? Now);
        }
    }
}
