using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The counts of jobs come from indexes, and the indexes do not make the frequent updates more expensive.</summary>
public sealed class ToolJobCountsTests(SharedStores stores)
{
    private const string Jobs = """
        INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at,
            announced_at, created_at, updated_at, started_at, completed_at, dead_letter_at, error_fingerprint)
        SELECT gen_random_uuid(), (ARRAY['search_web', 'search_products', 'search_global'])[1 + n % 3], 'realtime', 'user:' || n,
            repeat('{}', 100), status, 1, 2, at, at, at, at, at, at, CASE WHEN status NOT IN ('queued', 'running') THEN at END,
            CASE WHEN status = 'dead_letter' THEN at END, '0123456789ab'
        FROM (
            SELECT n, (ARRAY['queued', 'running', 'completed', 'failed', 'dead_letter', 'cancelled'])[1 + n % 6] AS status,
                now() - make_interval(secs => n % 600) AS at
            FROM generate_series(1, 12000) AS n) AS job
        """;

    [Fact]
    public async Task Jobs_of_all_states_are_counted_without_reading_their_rows()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await rig.ExecuteAsync(Jobs);
        await rig.ExecuteAsync("VACUUM ANALYZE reliability.tool_jobs");

        var plan = string.Join(
            '\n',
            await ListAsync(rig, "EXPLAIN " + ToolJobStatistics.Count.Replace("$1", "INTERVAL '15 minutes'", StringComparison.Ordinal)));
        var counts = await rig.Get<ToolJobStatistics>().ReadAsync(TimeSpan.FromMinutes(15), TestContext.Current.CancellationToken);

        Assert.Equal(4, plan.Split("Index Only Scan").Length - 1);
        Assert.All(
            ["Seq Scan", "Bitmap", "Index Scan"], scanOfRows => Assert.DoesNotContain(scanOfRows, plan, StringComparison.Ordinal));
        Assert.Equal(
            [(2_000, 2_000, 2_000), (2_000, 2_000, 2_000)],
            [
                (counts.Queued, counts.Lanes.Sum(lane => lane.Running), counts.DeadLetters),
                (counts.Lanes.Sum(lane => lane.Completed), counts.Lanes.Sum(lane => lane.Failed), counts.Lanes.Sum(lane => lane.Cancelled)),
            ]);
    }

    // An update of a column that is in an index, also as an included one, writes to all indexes of the table.
    [Theory]
    [InlineData("tool_jobs", "updated_at", "lease_expires_at", "waiters", "announced_at")]
    [InlineData("rate_limit_events", "hits")]
    public async Task No_index_has_a_column_that_frequent_updates_change(string table, params string[] updated)
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);

        var indexes = await ListAsync(
            rig, $"SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'reliability.{table}'::regclass");

        Assert.NotEmpty(indexes);
        Assert.All(indexes, index => Assert.All(updated, column => Assert.DoesNotContain(column, index, StringComparison.Ordinal)));
    }

    private static async Task<List<string>> ListAsync(QueueRig rig, string sql)
    {
        await using var command = rig.Database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var lines = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            lines.Add(reader.GetString(0));
        }

        return lines;
    }
}
