using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Taxonomy;
using Sendcat.UpstreamEmulator;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>The refresh of eBay's category tree in Postgres.</summary>
public sealed class TaxonomyTests(SharedStores stores)
{
    private const string TreeId = "/commerce/taxonomy/v1/get_default_category_tree_id";
    private const string Tree = "/commerce/taxonomy/v1/category_tree/0";

    [Fact]
    public async Task The_tree_is_flattened_and_replaced_as_a_whole()
    {
        await using var database = await MigratedAsync();
        await using var rig = await UpstreamRig.StartAsync(stores, database);
        rig.On(TreeId, """{"categoryTreeId":"0","categoryTreeVersion":"1"}""")
            .On(Tree, Nodes("1", Node("10", "Home & Garden", Node("11", "Kettles"))));

        Assert.True(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
        Assert.Equal(
            ["10|Home & Garden||Home & Garden|home garden|False", "11|Kettles|10|Home & Garden > Kettles|kettles|True"],
            await RowsAsync(database));

        await AgeAsync(database);
        rig.On(Tree, Nodes("2", Node("10", "Home", Node("12", "Toasters"))));
        Assert.True(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
        Assert.Equal(["10|Home||Home|home|False", "12|Toasters|10|Home > Toasters|toasters|True"], await RowsAsync(database));
    }

    [Fact]
    public async Task A_recent_tree_is_not_fetched_again_and_a_failed_fetch_keeps_the_old_tree()
    {
        await using var database = await MigratedAsync();
        await using var rig = await UpstreamRig.StartAsync(stores, database);
        rig.On(TreeId, """{"categoryTreeId":"0"}""").On(Tree, Nodes("1", Node("10", "Home")));
        await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None);

        Assert.True(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
        Assert.Equal(1, rig.RequestCount(Tree));

        await AgeAsync(database);
        rig.On(Tree, """{"categoryTreeId":"0","rootCategoryNode":{}}""");
        Assert.False(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
        Assert.Single(await RowsAsync(database));
    }

    [Fact]
    public async Task Readers_see_either_the_old_tree_or_the_new_one_and_an_invalid_response_changes_nothing()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        await using var database = await MigratedAsync();
        await using var rig = await UpstreamRig.StartAsync(
            stores, database, ("EBAY_BASE_URL", emulator.Ebay.ToString()), ("CIRCUIT_EBAY_THRESHOLD", "100"));
        Assert.True(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
        var oldRows = await RowsAsync(database);
        Assert.Contains(
            "20671|Rice Cookers|20667|Home & Garden > Kitchen, Dining & Bar > Small Kitchen Appliances > Rice Cookers|rice cookers|True",
            oldRows);

        await AgeAsync(database);
        foreach (var fault in new[] { "body=bad-json", "body=other-json", "cut=fin", "status=404" })
        {
            emulator.ClearRestDirections();
            emulator.DirectRest($"[[emu at=ebay/tree {fault}]]");
            Assert.False(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));
            Assert.Equal(oldRows, await RowsAsync(database));
        }

        emulator.ClearRestDirections();
        emulator.DirectRest("[[emu at=ebay/tree edition=2 leaves=20000]]");
        var refresh = rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None);
        var counts = new HashSet<long>();

        // Not a wait: it samples what readers see during the refresh.
        while (!refresh.IsCompleted)
        {
            counts.Add(await CountAsync(database));
        }

        Assert.True(await refresh);
        var newCount = await CountAsync(database);
        Assert.True(newCount > 20_000);
        Assert.Empty(counts.Except([oldRows.Count, newCount]));
        Assert.DoesNotContain(await RowsAsync(database), row => row.Contains("Kettles", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_that_is_rejected_during_the_refresh_is_fetched_again()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        emulator.DirectRest("[[emu at=ebay/token uses=1]]");
        await using var database = await MigratedAsync();
        await using var rig = await UpstreamRig.StartAsync(stores, database, ("EBAY_BASE_URL", emulator.Ebay.ToString()));

        Assert.True(await rig.Get<TaxonomyRefresh>().TryRefreshAsync(CancellationToken.None));

        Assert.Equal(
            (2, 1), (emulator.Stats.Snapshot().Of("ebay", "token").Completed, emulator.Stats.Snapshot().Of("ebay", "tree").Refused));
    }

    [Fact]
    public async Task One_of_all_workers_fetches_the_tree()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 2);

        await Task.WhenAny(system.Workers.Select(worker => worker.Process.WaitForLineAsync(
            line => line.Contains("categories of EBAY_US fetched", StringComparison.Ordinal), TimeSpan.FromMinutes(2))));

        // The line is logged before the tree is committed.
        await Eventually.TrueAsync(async () => await system.Queue.CountAsync("ebay_taxonomy_meta") == 1);

        Assert.Equal(1, system.Requests("ebay", "tree").Completed);
        Assert.Equal(45, await system.Queue.CountAsync("ebay_categories"));
    }

    [Fact]
    public async Task A_request_of_an_operator_fetches_a_recent_tree_again()
    {
        // A Redis signal reaches all workers of the server, also those of other tests, so this test has its own server.
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await using var database = await MigratedAsync();
        await using var rig = await UpstreamRig.StartAsync(stores, database);
        rig.On(TreeId, """{"categoryTreeId":"0"}""").On(Tree, Nodes("1", Node("10", "Home")));
        var requests = new TaxonomyRequests(redis, TimeProvider.System);
        using var refresh = new TaxonomyRefresh(
            rig.Get<EbayTaxonomy>(), rig.Get<CategoryStore>(), requests, rig.Get<IOptionsMonitor<EbayOptions>>(), TimeProvider.System,
            NullLogger<TaxonomyRefresh>.Instance);
        Assert.True(await refresh.TryRefreshAsync(CancellationToken.None));
        var fetchedAgain = new TaskCompletionSource();
        rig.On(Tree, _ =>
        {
            fetchedAgain.TrySetResult();
            return new(200, Nodes("2", Node("10", "Home")));
        });

        await refresh.StartAsync(CancellationToken.None);

        // The number of receivers is the only sign that the refresh has subscribed.
        await Eventually.TrueAsync(
            async () => await redis.GetSubscriber().PublishAsync(RedisKeys.TaxonomyRefreshRequested, "EBAY_US") == 1);

        await fetchedAgain.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, rig.RequestCount(Tree));
        await refresh.StopAsync(CancellationToken.None);
    }

    private static string Node(string id, string name, string? child = null) =>
        $$"""{"category":{"categoryId":"{{id}}","categoryName":"{{name}}"},"""
        + (child is null ? """ "leafCategoryTreeNode":true} """ : $$""" "childCategoryTreeNodes":[{{child}}]} """);

    private static string Nodes(string version, string node) =>
        $$"""{"categoryTreeId":"0","categoryTreeVersion":"{{version}}","rootCategoryNode":{"category":{"categoryId":"0","categoryName":"Root"},"childCategoryTreeNodes":[{{node}}] } }""";

    /// <summary>Makes the stored tree 721 hours older, so that it is due for a refresh.</summary>
    private static async Task AgeAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            "UPDATE reliability.ebay_taxonomy_meta SET fetched_at = fetched_at - interval '721 hours'");
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<List<string>> RowsAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            "SELECT category_id, category_name, parent_id, path, normalized_name, leaf "
            + "FROM reliability.ebay_categories ORDER BY category_id");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, 6).Select(reader.GetValue)));
        }

        return rows;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM reliability.ebay_categories");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task<NpgsqlDataSource> MigratedAsync() =>
        NpgsqlDataSource.Create(await MigratedDatabase.CreateForReliabilityAsync(await stores.PostgresAsync()));
}
