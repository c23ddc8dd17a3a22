using System.Net.Http;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Outbound;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>A worker that is suspended, or gets no processor time, until the lease of its job has expired.</summary>
public sealed class SuspendedWorkerTests(SharedStores stores)
{
    [Fact]
    public async Task No_request_is_sent_when_the_lease_expired_while_the_process_was_suspended()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/search", """{"organic":[]}""");
        using var lease = new CancellationTokenSource();
        var upstream = new Upstream(rig.Get<IHttpClientFactory>(), rig.Get<Circuits>(), rig.Get<Bulkheads>(), new SuspendedTime(() => lease.Cancel()));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upstream.RequestAsync(
            SerperProvider.Policy, () => new(HttpMethod.Get, $"{rig.Address}search"), json => json.ToString(), lease.Token));

        Assert.Equal(0, rig.RequestCount("/search"));
    }

    /// <summary>
    /// The clock of a process that is suspended for a minute between any two reads of the time. Timers that became due meanwhile fire when the
    /// process waits again.
    /// </summary>
    /// <param name="fireTimers">Called when the process starts a wait.</param>
    private sealed class SuspendedTime(Action fireTimers) : TimeProvider
    {
        private long _reads;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => 60 * Interlocked.Increment(ref _reads);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // A timer under 1 s is a wait; the timeout of an attempt is longer.
            if (dueTime < TimeSpan.FromSeconds(1))
            {
                fireTimers();
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
