using Npgsql;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>A replica and a worker whose background work finds a row in Postgres that it cannot read.</summary>
public sealed class UnreadableRowTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Rows_that_background_work_cannot_read_end_no_process_and_the_work_goes_on_after_them()
    {
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 1, workers: 1);
        var (api, worker) = (sendcat.Api.Process, sendcat.Workers[0].Process);
        await using var database = NpgsqlDataSource.Create(sendcat.Database);

        // The columns have other types than the programs read.
        await ExecuteAsync(
            """
            ALTER TABLE reliability.knob_overrides ALTER value TYPE bigint USING 0;
            INSERT INTO reliability.knob_overrides (name, value, actor, updated_at) VALUES ('SEARCH_WEB_TTL_MS', 60000, 'test', now());
            ALTER TABLE revoked_families ALTER family_id TYPE text;
            INSERT INTO revoked_families (family_id, revoked_at) VALUES ('odd', now())
            """);
        await WaitForAsync(api, "[2301] Reading of revoked sign-ins failed unexpectedly");
        await WaitForAsync(api, "[2301] Reading of knob overrides failed unexpectedly");
        await WaitForAsync(worker, "[2301] Reading of knob overrides failed unexpectedly");
        Assert.DoesNotContain("[2103]", api.Output + worker.Output, StringComparison.Ordinal);

        await ExecuteAsync("ALTER TABLE reliability.knob_overrides ALTER value TYPE text");
        await WaitForAsync(api, "[2103] Knob overrides changed");
        await WaitForAsync(worker, "[2103] Knob overrides changed");

        async Task ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    private static Task<string> WaitForAsync(TestProcess process, string text) =>
        process.WaitForLineAsync(line => line.Contains(text, StringComparison.Ordinal), MaxWait);
}
