using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.ToolJobs.Recovery;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The loops of the sweeper are independent. Every poll also advances the fake clock, on which the loops run.</summary>
public sealed class SweeperTests(SharedStores stores)
{
    [Fact]
    public async Task A_broker_that_does_not_respond_for_one_lane_delays_neither_other_lanes_nor_the_recovery()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var (time, requests) = (new FakeTimeProvider(), 0);
        var unresponsive = new ToolJobBroker(
            async token =>
            {
                Interlocked.Increment(ref requests);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, token);
                throw new InvalidOperationException();
            },
            time);
        using var sweeper = new Sweeper(
            rig.Get<LaneCatalog>(), rig.Recovery,
            unresponsive, rig.Get<OutboxPublisher>(), time, rig.Get<ToolJobMetrics>(), rig.Get<StoreOutages>(),
            NullLogger<Sweeper>.Instance);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.EnterAsync(QueuedTool.SearchProducts.Lane);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET announced_at = now() - interval '1 minute'");
        await sweeper.StartAsync(CancellationToken.None);

        await Eventually.TrueAsync(() => AdvanceOneSecond() && Volatile.Read(ref requests) == 2);
        var job = await rig.EnterAsync(QueuedTool.SearchGlobal.Lane);
        await rig.ClaimOneAsync(QueuedTool.SearchGlobal.Lane);
        await rig.ExpireLeaseAsync(job);

        await Eventually.TrueAsync(async () => AdvanceOneSecond() && await rig.ReadAsync<string>("status", job) == "queued");
        await sweeper.StopAsync(CancellationToken.None);

        bool AdvanceOneSecond()
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return true;
        }
    }

    [Fact]
    public async Task An_outage_of_many_rounds_is_one_log_line_and_its_end_another()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await using var connection = await new ConnectionFactory
        {
            Uri = new(await (await stores.RabbitMqAsync()).CreateVirtualHostAsync()),
        }.CreateConnectionAsync();
        var (time, logger, requests) = (new FakeTimeProvider(), new FakeLogger<Sweeper>(), 0);

        // The broker is back when both lanes wait for it: a lane that waits has recorded its failures.
        var lanes = new CountdownEvent(2);
        var isBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var broker = new ToolJobBroker(
            async _ =>
            {
                if (Interlocked.Increment(ref requests) <= 20)
                {
                    throw new BrokerUnreachableException(new IOException());
                }

                if (!isBack.Task.IsCompleted && lanes.Signal())
                {
                    isBack.SetResult();
                }

                await isBack.Task;
                return connection;
            },
            time);
        using var sweeper = new Sweeper(
            rig.Get<LaneCatalog>(), rig.Recovery,
            broker, rig.Get<OutboxPublisher>(), time, rig.Get<ToolJobMetrics>(), StoreOutagesFeature.Create(logger, time), logger);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.EnterAsync(QueuedTool.SearchProducts.Lane);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET announced_at = now() - interval '1 minute'");

        await sweeper.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Count(2901) > 0;
        });
        await sweeper.StopAsync(CancellationToken.None);

        Assert.Equal((1, 1, 0), (Count(2900), Count(2901), Count(2703)));

        int Count(int id) => logger.Collector.GetSnapshot().Count(entry => entry.Id.Id == id);
    }

    [Fact]
    public async Task Messages_that_one_round_misses_are_not_lost_yet()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await using var connection = await new ConnectionFactory
        {
            Uri = new(await (await stores.RabbitMqAsync()).CreateVirtualHostAsync()),
        }.CreateConnectionAsync();
        var (time, logger, rounds, lostInFirstRound) = (new FakeTimeProvider(), new FakeLogger<Sweeper>(), 0, 0);
        var broker = new ToolJobBroker(
            _ =>
            {
                lostInFirstRound = ++rounds == 2 ? CountLost() : lostInFirstRound;
                return Task.FromResult(connection);
            },
            time);
        using var sweeper = new Sweeper(
            rig.Get<LaneCatalog>(), rig.Recovery,
            broker, rig.Get<OutboxPublisher>(), time, rig.Get<ToolJobMetrics>(), StoreOutagesFeature.Create(logger, time), logger);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET announced_at = now() - interval '1 minute'");

        await sweeper.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return CountLost() > 0 && Volatile.Read(ref rounds) > 1;
        });
        await sweeper.StopAsync(CancellationToken.None);

        Assert.Equal(0, lostInFirstRound);

        int CountLost() => logger.Collector.GetSnapshot().Count(entry => entry.Id.Id == 2706);
    }
}
