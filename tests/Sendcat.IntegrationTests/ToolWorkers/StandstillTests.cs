using System.Net.Http;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Outbound;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>A worker that was frozen, or got no processor, until its lease was over.</summary>
public sealed class StandstillTests(SharedStores stores)
{
    [Fact]
    public async Task Nothing_is_asked_when_the_lease_ended_while_the_process_stood_still_before_its_question()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/search", """{"organic":[]}""");
        using var lease = new CancellationTokenSource();
        var upstream = new Upstream(rig.Get<IHttpClientFactory>(), rig.Get<Circuits>(), rig.Get<Bulkheads>(), new StandingStill(() => lease.Cancel()));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upstream.RequestAsync(
            SerperProvider.Policy, () => new(HttpMethod.Get, $"{rig.Address}search"), json => json.ToString(), lease.Token));

        Assert.Equal(0, rig.Asked("/search"));
    }

    /// <summary>Between two looks at the clock it has stood still for a minute; the timers that came due ring when it waits again.</summary>
    private sealed class StandingStill(Action ring) : TimeProvider
    {
        private long looks;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => 60 * Interlocked.Increment(ref looks);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // A wait; the time-out of an attempt is longer.
            if (dueTime < TimeSpan.FromSeconds(1))
            {
                ring();
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
