using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.IntegrationTests.Chat;
using Sendcat.Monitor.Alerts;
using Sendcat.Monitor.Watch;
using Sendcat.Reliability.Alerts;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Incidents of a running system, one after another, and what the Monitor makes of them.</summary>
public sealed class AlertIncidentTests(SharedStores stores)
{
    [Fact]
    public async Task Each_incident_is_an_alert_in_Postgres_that_names_its_cause()
    {
        await using var system = await SendcatSystem.StartWithToolsAsync(
            stores, replicas: 1, workers: 1, ("REDIS_REPLICA_BEAT_MS", "200"), ("REDIS_REPLICA_DEAD_AFTER_MS", "1000"));
        await using var monitor = WatchProgram.Build(
            [
                $"--SENDCAT_API_URL={system.Api.Address}", $"--OPS_VIEWER_KEY={SendcatSystem.OpsKey}",
                $"--ConnectionStrings:sendcatdb={system.Database}",
                "--Logging:LogLevel:Default=None",
            ],
            builder => builder.AddAlerts());
        var watcher = monitor.Services.GetRequiredService<AlertWatcher>();

        // Without a fault.
        await system.TurnAsync("hello");
        Assert.True(await watcher.JudgeOnceAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await AlertsAsync(monitor));

        // One caller floods.
        using (var guest = await system.GuestAsync())
        {
            var other = await guest.NewThreadAsync("hello");
            await using var running = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=1000 every=100ms]]"));
            await running.ReadUntilAsync("content");
            for (var request = 0; request < 25; request++)
            {
                await using var refused = await guest.ChatAsync(other);
                Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
            }
        }

        var flood = await RaisedAsync(monitor, watcher, "rate_limit_blocked");
        Assert.Equal("chat_admission", flood.Subject);
        Assert.Contains("most for user_inflight; caller session:#", flood.Cause, StringComparison.Ordinal);

        // A worker is killed.
        using (var guest = await system.GuestAsync())
        {
            await using var turn = await guest.ChatAsync(
                await guest.NewThreadAsync(CallTool("search_web", "killed [[emu hang=before-headers]]")), webSearch: true);
            await system.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);
            await system.Workers[0].Process.KillAsync();
            var silent = await RaisedAsync(monitor, watcher, "worker_silent");
            Assert.Contains("is killed or frozen", silent.Cause, StringComparison.Ordinal);
            Assert.Contains("1 running jobs (search_web)", silent.Cause, StringComparison.Ordinal);
        }

        // Redis is emptied.
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(system.Redis))
        {
            await redis.GetDatabase().ExecuteAsync("FLUSHDB");
        }

        await RaisedAsync(monitor, watcher, "redis_emptied");

        // The model provider answers 503.
        system.Model.Direct("[[emu status=503]]");
        for (var turn = 0; turn < 6; turn++)
        {
            await system.TurnAsync("hello", webSearch: false);
        }

        var open = await RaisedAsync(monitor, watcher, "circuit_open");
        Assert.StartsWith("openrouter_chat_", open.Subject, StringComparison.Ordinal);
        Assert.Contains("503", open.Cause, StringComparison.Ordinal);
    }

    /// <summary>Judges until the alert is there: events are written every second, and heartbeats have a timeout.</summary>
    private static async Task<Alert> RaisedAsync(WebApplication monitor, AlertWatcher watcher, string kind)
    {
        Alert? found = null;
        await Eventually.TrueAsync(async () =>
        {
            await watcher.JudgeOnceAsync(TestContext.Current.CancellationToken);
            found = (await AlertsAsync(monitor)).FirstOrDefault(alert => alert.Kind == kind);
            return found is not null;
        });
        return found!;
    }

    private static async Task<IReadOnlyList<Alert>> AlertsAsync(WebApplication monitor)
    {
        var store = await monitor.Services.GetRequiredService<AlertLedger>().OpenAsync(TestContext.Current.CancellationToken);
        Assert.IsType<AlertStore>(store);
        return await store.KnownAsync(TimeProvider.System.GetUtcNow(), TestContext.Current.CancellationToken);
    }
}
