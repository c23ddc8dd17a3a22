using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Outbound;

namespace Sendcat.UnitTests.Reliability;

public sealed class CircuitStateTests
{
    private static readonly DateTimeOffset Start = new(2026, 2, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly CircuitPolicy Policy = new(Threshold: 3, Cooldown: Seconds(60), Window: Seconds(30), ProbeTimeout: Seconds(20));

    [Fact]
    public void The_threshold_opens_the_circuit_and_the_cooldown_alone_half_opens_it()
    {
        var open = Fail(CircuitState.Fresh, 3);

        Assert.Equal(CircuitPhase.Open, open.Phase(Start));
        Assert.Equal(Seconds(60), open.RetryAfter(Start));
        Assert.Equal(CircuitPhase.HalfOpen, open.Phase(Start + Seconds(60)));
    }

    [Fact]
    public void Failures_outside_the_window_are_not_counted()
    {
        var state = Fail(CircuitState.Fresh, 2);

        state = state.Failed(state.Epoch, Policy, Start + Seconds(31));

        Assert.Equal(CircuitPhase.Closed, state.Phase(Start + Seconds(31)));
        Assert.Single(state.Failures);
    }

    public static TheoryData<UpstreamPolicy> Upstreams => [SerperProvider.Policy, EbaySearchProvider.Policy, GlobalSearchProvider.Policy];

    [Theory]
    [MemberData(nameof(Upstreams))]
    public void Consecutive_timeouts_open_the_circuit_before_the_first_failure_leaves_the_window(UpstreamPolicy upstream)
    {
        using var process = IsolatedProcess.Services(TimeProvider.System);
        var policy = process.GetRequiredService<Circuits>().PolicyOf(upstream.Provider);
        var pauses = Enumerable.Range(0, upstream.Retries)
            .Select(attempt => UpstreamPolicy.Pause(attempt, retryAfter: null, jitter: 1)!.Value);
        var call = pauses.Aggregate(upstream.Timeout * (upstream.Retries + 1), (total, pause) => total + pause);
        var (state, now) = (CircuitState.Fresh, Start);

        for (var n = 0; n < policy.Threshold; n++)
        {
            now += call;
            state = state.Failed(state.Epoch, policy, now);
        }

        Assert.Equal(CircuitPhase.Open, state.Phase(now));
    }

    [Fact]
    public void A_success_resets_the_failures()
    {
        var state = Fail(CircuitState.Fresh, 2);

        state = Fail(state.Succeeded(state.Epoch), 2);

        Assert.Equal(CircuitPhase.Closed, state.Phase(Start));
    }

    [Fact]
    public void Late_results_neither_extend_nor_end_a_cooldown()
    {
        var open = Fail(CircuitState.Fresh, 3);

        Assert.Same(open, open.Failed(epoch: 0, Policy, Start + Seconds(59)));
        Assert.Same(open, open.Succeeded(epoch: 0));
        Assert.Same(open, open.Neutral(epoch: 0));
    }

    [Fact]
    public void The_probe_result_closes_or_reopens_the_circuit()
    {
        var later = Start + Seconds(61);
        var probing = Fail(CircuitState.Fresh, 3).Probing(Policy, later);

        Assert.True(probing.IsProbing(later));
        Assert.Equal(CircuitPhase.Closed, probing.Succeeded(probing.Epoch).Phase(later));
        Assert.Equal(later + Policy.Cooldown, probing.Failed(probing.Epoch, Policy, later).OpenUntil);
        Assert.False(probing.Neutral(probing.Epoch).IsProbing(later));
        Assert.False(probing.IsProbing(later + Policy.ProbeTimeout));
        Assert.Equal(probing.Epoch + 1, probing.Neutral(probing.Epoch).Epoch);
    }

    [Fact]
    public void An_isolation_by_hand_ends_with_its_time_and_a_failed_probe_after_it_is_a_failure_of_the_provider()
    {
        var later = Start + Seconds(61);
        var isolated = CircuitState.Fresh.Isolated(Start + Seconds(60));

        Assert.Equal(
            (CircuitPhase.Open, CircuitPhase.HalfOpen, Suspension.Operator),
            (isolated.Phase(Start), isolated.Phase(later), isolated.Suspended));
        var failed = isolated.Probing(Policy, later).Failed(isolated.Epoch, Policy, later);
        Assert.Equal((later + Policy.Cooldown, null), (failed.OpenUntil, failed.Suspended));
        Assert.Equal(
            isolated.OpenUntil, isolated.AccountRefused(isolated.Epoch, Suspension.Key, configured: true, Policy, later).OpenUntil);
        Assert.Equal((CircuitPhase.Closed, null), (isolated.Closed().Phase(Start), isolated.Closed().Suspended));
    }

    [Fact]
    public void Rejections_of_other_replicas_count_and_the_replica_that_adds_the_last_one_suspends()
    {
        var one = CircuitState.Fresh.AccountRefused(0, Suspension.Quota, configured: true, Policy, Start);
        var sent = one.Sharing();

        Assert.Equal((1, true), (one.Unshared.Added.Quota, sent.Unshared.None));
        Assert.Equal(2, sent.AdoptRefusals(0, new(0, false, 2), added: true, Policy, Start).Refusals.Quota);
        Assert.Equal(3, one.AdoptRefusals(0, new(0, false, 2), added: false, Policy, Start).Refusals.Quota);
        Assert.Equal((3, null), (sent.AdoptRefusals(0, new(0, false, 3), added: false, Policy, Start).Refusals.Quota, sent.Suspended));
        var suspended = sent.AdoptRefusals(0, new(0, false, 3), added: true, Policy, Start);
        Assert.Equal((Suspension.Quota, Start + Policy.Cooldown, 1), (suspended.Suspended, suspended.OpenUntil, suspended.Epoch));
        Assert.Null(sent.AdoptRefusals(0, new(3, false, 0), added: true, Policy, Start).Suspended);
        Assert.Same(sent, sent.AdoptRefusals(1, new(0, false, 3), added: true, Policy, Start));
        Assert.Same(suspended, suspended.AdoptRefusals(1, new(0, false, 3), added: true, Policy, Start));
    }

    [Fact]
    public void A_success_resets_the_rejections_of_all_replicas_that_came_before()
    {
        var known = CircuitState.Fresh.AdoptRefusals(0, new(1, true, 2), added: false, Policy, Start);
        var succeeded = known.Succeeded(0);
        var again = succeeded.AccountRefused(0, Suspension.Key, configured: true, Policy, Start);

        Assert.Equal((true, true, RefusalChanges.AfterSuccess), (known.Unshared.None, succeeded.Refusals.None, succeeded.Unshared));
        Assert.Equal(new AccountRefusals(1, true, 0), again.AdoptRefusals(0, new(1, true, 2), added: false, Policy, Start).Refusals);
        Assert.Equal(
            new AccountRefusals(0, false, 2), known.KeyAccepted(0).AdoptRefusals(0, new(1, true, 2), added: false, Policy, Start).Refusals);
        var shared = succeeded.Sharing();
        Assert.Same(shared, shared.Succeeded(0));
    }

    [Fact]
    public void The_state_of_another_replica_is_adopted_only_if_it_is_newer()
    {
        var local = Fail(CircuitState.Fresh, 3);

        Assert.Same(local, local.Adopt(0, null));
        Assert.Same(local, local.Adopt(1, null));
        Assert.Equal(Start + Seconds(90), local.Adopt(1, Start + Seconds(90)).OpenUntil);
        Assert.Equal(CircuitPhase.Closed, local.Adopt(2, null).Phase(Start));
        Assert.Equal(Start, CircuitState.Fresh.Adopt(0, Start).OpenUntil);
    }

    [Fact]
    public void An_open_circuit_stays_open_for_exactly_its_cooldown_despite_late_results() =>
        Gen.Select(Gen.Int[1, 10], Gen.Int[1, 100], Gen.Int[0, 2].Array[0, 30]).Sample((threshold, cooldown, lateResults) =>
        {
            var policy = Policy with { Threshold = threshold, Cooldown = Seconds(cooldown) };
            var state = CircuitState.Fresh;
            for (var n = 0; n < threshold; n++)
            {
                state = state.Failed(state.Epoch, policy, Start);
            }

            for (var n = 0; n < lateResults.Length; n++)
            {
                var now = Start + Seconds(n);
                state = lateResults[n] switch { 0 => state.Failed(0, policy, now), 1 => state.Succeeded(0), _ => state.Neutral(0) };
            }

            return state.Phase(Start + Seconds(cooldown - 0.001)) is CircuitPhase.Open
                && state.Phase(Start + Seconds(cooldown)) is CircuitPhase.HalfOpen;
        });

    private static CircuitState Fail(CircuitState state, int times)
    {
        for (var n = 0; n < times; n++)
        {
            state = state.Failed(state.Epoch, Policy, Start);
        }

        return state;
    }

    private static TimeSpan Seconds(double count) => TimeSpan.FromSeconds(count);
}
