using System.Security.Cryptography;
using Npgsql;
using Sendcat.ApiService.Chat.Record;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// The write-ahead log of Postgres for a turn, on a server of its own with the settings of production. The text cannot be compressed, and
/// each checkpoint is a commit of its own, which is the most expensive case.
/// </summary>
public sealed class WriteAmplificationTests
{
    private const int ChunkBytes = 32;

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <param name="kilobytes">The size of the answer.</param>
    /// <param name="checkpointBytes">The text of one checkpoint: what a model writes in 0.8 s.</param>
    [Theory]
    [InlineData(16, 256)]
    [InlineData(256, 256)]
    [InlineData(256, 1_024)]
    [InlineData(730, 8_192)]
    public async Task An_answer_is_written_to_the_log_at_most_four_times(int kilobytes, int checkpointBytes)
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        await using var database = NpgsqlDataSource.Create(await MigratedDatabase.CreateAsync(postgres));

        // After a checkpoint of Postgres the log gets whole pages, which are not the turn's cost.
        await WriteAsync(database, 16, checkpointBytes);
        await ExecuteAsync<object>(database, "checkpoint");
        await WriteAsync(database, 16, checkpointBytes);
        var written = await WriteAsync(database, kilobytes, checkpointBytes);

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{kilobytes} KiB, {checkpointBytes} bytes a checkpoint: {written / (kilobytes * 1024d):F2} times its size");
        Assert.InRange(written, 1, 4L * kilobytes * 1024);
        Assert.Equal(0L, await ExecuteAsync<long>(database, "select count(*) from message_parts"));
        Assert.Equal(kilobytes * 1024, await ExecuteAsync<int>(database, "select max(length(content)) from messages"));
    }

    /// <summary>Writes the turn of one answer.</summary>
    /// <returns>Bytes of the log.</returns>
    private static async Task<long> WriteAsync(NpgsqlDataSource database, int kilobytes, int checkpointBytes)
    {
        var thread = Guid.NewGuid();
        var replica = Guid.NewGuid();
        await ExecuteAsync<object>(database, $"insert into threads (id, model_id, session_id) values ('{thread}', 'm', 's')");
        var before = await LogAsync(database);
        var record = new TurnRecord(Guid.NewGuid(), thread, Guid.NewGuid(), "user:ann", null, Now);
        await CommitAsync();
        record.SetModel("a/model");
        for (var bytes = 0; bytes < kilobytes * 1024; bytes += ChunkBytes)
        {
            record.AppendText(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(ChunkBytes / 2)));
            if ((bytes + ChunkBytes) % checkpointBytes == 0)
            {
                await CommitAsync();
            }
        }

        record.End(MessageStatus.Completed, Now);
        await CommitAsync();
        return await LogAsync(database) - before;

        async Task CommitAsync()
        {
            var changes = record.Changes();
            await TurnJournalCommit.WriteAsync(database, replica, [changes], Now);
            record.MarkWritten(changes);
        }
    }

    private static Task<long> LogAsync(NpgsqlDataSource database) =>
        ExecuteAsync<long>(database, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");

    private static async Task<T?> ExecuteAsync<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync() is T result ? result : default;
    }
}
