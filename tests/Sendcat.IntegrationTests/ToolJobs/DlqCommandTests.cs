using System.Text.Json;
using Npgsql;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The command <c>./sendcat dlq</c>, as a separate process, against the API.</summary>
public sealed class DlqCommandTests(SharedStores stores)
{
    [Fact]
    public async Task Dead_letters_can_be_listed_requeued_with_and_without_dry_run_and_discarded_from_the_command_line()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores);
        await using var database = NpgsqlDataSource.Create(sendcat.Database);
        await InsertDeadLettersAsync(database, "search_web", "HTTP 503", 3);
        await InsertDeadLettersAsync(database, "search_global", "HTTP 400", 1);

        var groups = await DlqAsync(sendcat, 0, "groups", "--json");
        var list = await DlqAsync(sendcat, 0, "list", "--tool", "search_web");
        var dryRun = await DlqAsync(sendcat, 0, "requeue", "--tool", "search_web", "--dry-run");
        Assert.Equal(4, await CountAsync(database, "status = 'dead_letter'"));
        var requeue = await DlqAsync(sendcat, 0, "requeue", "--tool", "search_web", "--reason", "Serper is back – füße");
        var discard = await DlqAsync(sendcat, 0, "discard", "--all", "--reason", "a known bug");

        Assert.Equal(
            [3, 1],
            JsonDocument.Parse(groups).RootElement.GetProperty("items").EnumerateArray()
                .Select(group => group.GetProperty("count").GetInt32()));
        Assert.Equal(3, list.Split('\n').Count(line => line.Contains("search_web", StringComparison.Ordinal)));
        Assert.Contains("3 of 3 dead letters would be requeued.", dryRun, StringComparison.Ordinal);
        Assert.Contains("3 of 3 dead letters were requeued.", requeue, StringComparison.Ordinal);
        Assert.Contains("1 of 1 dead letters were discarded.", discard, StringComparison.Ordinal);
        Assert.Equal(3, await CountAsync(database, "tool = 'search_web' AND status = 'queued' AND replay_count = 1"));
        Assert.Equal(1, await CountAsync(database, "tool = 'search_global' AND status = 'cancelled'"));

        await DlqAsync(sendcat, 1, "requeue", "--tool", "search_ebay", "--reason", "a test");
        await DlqAsync(sendcat, 2, "requeue");
        await DlqAsync(sendcat, 2, "groups", "--url", "http://127.0.0.1:1");
    }

    /// <returns>The output of the command.</returns>
    private static async Task<string> DlqAsync(SendcatSystem sendcat, int expectedExitCode, params string[] arguments)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(output.Parent!.Parent!.FullName, "Sendcat.Monitor", output.Name, "Sendcat.Monitor.dll");
        await using var process = await TestProcess.StartAsync(new ProcessSpec("dotnet", [program, "dlq", .. arguments])
        {
            Environment = new Dictionary<string, string?>
            {
                ["OPS_API_KEY"] = SendcatSystem.OpsKey, ["SENDCAT_API_URL"] = sendcat.Api.Address.ToString(),
            },
        });
        var exitCode = await process.Exited;
        Assert.True(exitCode == expectedExitCode, $"{string.Join(' ', arguments)} ended with {exitCode}: {process.Output}");
        return process.Output;
    }

    private static async Task InsertDeadLettersAsync(NpgsqlDataSource database, string tool, string error, int count)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at,
              announced_at, created_at, updated_at,
                completed_at, expires_at, dead_letter_at, dead_letter_reason, last_error, error_fingerprint)
            SELECT gen_random_uuid(), $1, 'realtime', 'user:ann', '{"query":"kettle"}', 'dead_letter', 2, 2, now(), now(), now(), now(), now(),
                now(), now() + interval '7 days', now(), 'attempts_exhausted', $2, md5($2)::varchar(12) FROM generate_series(1, $3)
            """);
        command.Parameters.Add(new() { Value = tool });
        command.Parameters.Add(new() { Value = error });
        command.Parameters.Add(new() { Value = count });
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string condition)
    {
        await using var command = database.CreateCommand($"SELECT count(*) FROM reliability.tool_jobs WHERE {condition}");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
