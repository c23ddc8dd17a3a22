using System.Net.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.IntegrationTests.ToolJobs;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>A worker that is suspended, or gets no processor time, until the lease of its job has expired.</summary>
public sealed class SuspendedWorkerTests(SharedStores stores)
{
    [Fact]
    public async Task No_request_is_sent_after_the_lease_even_before_the_timer_of_the_lease_fires()
    {
        await using var queue = await QueueRig.DatabaseOnlyAsync(stores);
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/search", """{"organic":[]}""");
        var time = new LateTimers();
        using var held = new HeldJobs(
            queue.Leases, queue.Get<ToolJobSignals>(), queue.Get<IOptionsMonitor<ToolJobOptions>>(), time, queue.Get<StoreOutages>(),
            NullLogger<HeldJobs>.Instance);
        var handler = new SearchAfterSuspension(rig, time);
        var runs = new JobRuns(
            [handler], held, queue.Leases, queue.Get<ToolCache>(), queue.Get<ToolCacheNamespaces>(), queue.Get<ToolJobMetrics>(),
            queue.Get<ReplicaId>(), time,
            queue.Get<StoreOutages>(), NullLogger<JobRuns>.Instance);
        await queue.EnterAsync(handler.Lane);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        runs.Start(await queue.ClaimOneAsync(handler.Lane), time.GetTimestamp(), ended.SetResult);
        await ended.Task;

        Assert.True(handler.WasRun);
        Assert.Equal(0, rig.RequestCount("/search"));
    }

    /// <summary>A search after a suspension that is longer than the lease.</summary>
    private sealed class SearchAfterSuspension(UpstreamRig rig, LateTimers time) : IToolHandler
    {
        public ToolLane Lane => QueuedTool.SearchWeb.Lane;

        public bool WasRun { get; private set; }

        public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
        {
            WasRun = true;
            time.Suspend();
            var found = await rig.Get<Upstream>().RequestAsync(
                SerperProvider.Policy, () => new(HttpMethod.Get, $"{rig.Address}search"), json => json.ToString(), cancellationToken);
            return new ToolResult.Done(found.Value!, Cacheable: false);
        }
    }

    /// <summary>A clock that shows a suspension at once, while the timers that became due have not fired yet.</summary>
    private sealed class LateTimers : TimeProvider
    {
        private long _suspended;

        public void Suspend() => Interlocked.Add(ref _suspended, (long)TimeSpan.FromMinutes(10).TotalSeconds * TimestampFrequency);

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _suspended);
    }
}
