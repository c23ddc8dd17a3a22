using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The logs of a replica and of a worker while all their stores are killed and started again.</summary>
public sealed class StoreOutageLinesTests
{
    private static readonly string[] Stores = ["Postgres", "Redis", "RabbitMQ"];

    /// <summary>What a process reports when a store is back without its data or without messages.</summary>
    private static readonly string[] LostData = ["[2203]", "[2208]", "[2706]"];

    [Fact]
    public async Task A_store_is_one_line_of_a_process_when_it_goes_and_one_when_it_is_back()
    {
        var (startingRedis, startingBroker) = (RedisServer.StartAsync(), RabbitMqServer.StartAsync());
        await using var postgres = await PostgresServer.StartAsync();
        var migrating = MigratedDatabase.CreateAsync(postgres);
        await using var redis = await startingRedis;
        await using var broker = await startingBroker;
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            redis.CreateDatabase(), await migrating, replicas: 0, ("ConnectionStrings__messaging", broker.ConnectionString));
        var (startingReplica, startingWorker) = (sendcat.AddProcessAsync(), sendcat.AddWorkerAsync());
        TestProcess[] processes = [(await startingReplica).Process, (await startingWorker).Process];
        var turn = await sendcat.TurnAsync(ToolPrompts.CallTool("search_web", "kettle"));
        Assert.Equal("done", turn.Types[^1]);
        var before = processes.ToDictionary(process => process, process => Lines(process).Count);

        await Task.WhenAll(postgres.KillAsync(), redis.KillAsync(), broker.KillAsync());
        await Eventually.TrueAsync(() => processes.All(process => Stores.All(store => HasLine(process, $"{store} is unavailable"))));
        using (var client = new HttpClient { BaseAddress = sendcat.Api.Address })
        {
            await Eventually.TrueAsync(
                async () => !(await client.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        }

        await Task.WhenAll(postgres.StartAgainAsync(), redis.StartAgainAsync(), broker.StartAgainAsync());
        await Eventually.TrueAsync(() => processes.All(process => Stores.All(store => HasLine(process, $"{store} works again"))));

        foreach (var process in processes)
        {
            var lines = Lines(process).Skip(before[process]).ToArray();
            Assert.Equal(Stores.Length, lines.Count(line => line.Contains("[2901]", StringComparison.Ordinal)));
            var warnings = lines
                .Where(line => line.Contains(" warn: ", StringComparison.Ordinal) || line.Contains(" fail: ", StringComparison.Ordinal))
                .Where(line => !LostData.Any(id => line.Contains(id, StringComparison.Ordinal)));
            Assert.All(warnings, line => Assert.Contains("[2900]", line, StringComparison.Ordinal));
            Assert.Equal(Stores.Length, warnings.Count());
        }

        bool HasLine(TestProcess process, string text) =>
            Lines(process).Skip(before[process]).Any(line => line.Contains(text, StringComparison.Ordinal));
    }

    private static List<string> Lines(TestProcess process) => [.. process.Output.Split('\n')];
}
