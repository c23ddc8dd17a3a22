using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The record of turns and nothing else, over a real database.</summary>
public sealed class TurnJournalTests(SharedStores stores) : IAsyncLifetime
{
    private const string Half = "\ud83d";

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ReplicaId replica = ReplicaId.New();
    private readonly List<string?> overruled = [];
    private ServiceProvider services = null!;
    private NpgsqlDataSource database = null!;
    private Quotas quotas = null!;
    private TurnJournal journal = null!;

    public async ValueTask InitializeAsync()
    {
        var connectionString = await MigratedDatabase.CreateAsync(await stores.PostgresAsync());
        database = NpgsqlDataSource.Create(connectionString);
        services = new ServiceCollection().AddLogging().AddMemoryCache().AddSingleton(TimeProvider.System).AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddKnobs<ChatOptions>().AddKnobs<QuotaOptions>().BuildServiceProvider();
        quotas = new(database, services.GetRequiredService<IMemoryCache>(), services.GetRequiredService<IOptionsMonitor<QuotaOptions>>());
        journal = new(database, replica, services.GetRequiredService<IOptionsMonitor<ChatOptions>>(), TimeProvider.System, NullLogger<TurnJournal>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await journal.StopAsync(CancellationToken.None);
        journal.Dispose();
        await services.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task A_record_that_nobody_can_write_holds_up_no_other_and_ends_nothing_but_its_turn()
    {
        var poisonous = await RecordAsync(principal: $"user:{Half}");
        var (before, after) = (await RecordAsync(), await RecordAsync());

        journal.WriteNow(before);
        journal.WriteNow(poisonous);
        await journal.StartAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(before.WrittenAsync(), poisonous.WrittenAsync()).WaitAsync(Patience, TestContext.Current.CancellationToken);
        await WriteAsync(after);

        Assert.Contains(null, overruled);
        Assert.Equal(["assistant streaming"], await MessagesAsync(before));
        Assert.Equal(["assistant streaming"], await MessagesAsync(after));
        Assert.Empty(await MessagesAsync(poisonous));
    }

    [Fact]
    public async Task A_turn_whose_row_is_refused_says_error_and_keeps_what_was_on_record()
    {
        await journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AppendText("so far");
        await WriteAsync(record);

        record.AppendText(" and on");
        record.SetProducts("no json");
        await WriteAsync(record);
        record.End(MessageStatus.Completed, Now);
        await WriteAsync(record);

        Assert.Equal("so far", await ScalarAsync($"select content from messages where id = '{record.MessageId}'"));
        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal("error", await ScalarAsync($"select status from stream_sessions where id = '{record.StreamId}'"));
        Assert.Null(overruled[0]);
    }

    [Fact]
    public async Task Characters_that_no_row_can_keep_are_left_out_in_every_column()
    {
        await journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync(modelId: $"a\0b{Half}");
        record.AppendReasoning($"r\0{Half}");
        record.AddToolCalls([new($"{Half}call\0", $"na{Half}me", """{"zone":"\\u0000"}""" + "\0" + Half)]);
        record.SetProducts("""[{"title":"nul \u0000 and \\u0000"}]""");
        record.AddToolResult($"{Half}call\0", $"na{Half}me", $"\0found{Half}", Now);
        record.End(MessageStatus.Completed, Now);

        await WriteAsync(record);

        Assert.Equal("ab\ufffd|r\ufffd", await ScalarAsync("select model_id || '|' || reasoning_content from messages where role = 'assistant'"));
        Assert.Equal("""\u0000""", await ScalarAsync("select right(products->0->>'title', 6) from messages where role = 'assistant'"));
        Assert.Equal("\ufffdcall|na\ufffdme|found\ufffd", await ScalarAsync("select tool_call_id || '|' || name || '|' || content from messages where role = 'tool'"));
        Assert.Equal("\ufffdcall|na\ufffdme", await ScalarAsync("select (tool_calls->0->>'id') || '|' || (tool_calls->0->'function'->>'name') from messages where role = 'assistant'"));
        Assert.Equal("""{"zone":"\\u0000"}""" + "\ufffd", await ScalarAsync("select tool_calls->0->'function'->>'arguments' from messages where role = 'assistant'"));
        Assert.Empty(overruled);
    }

    [Fact]
    public async Task Messages_that_were_deleted_while_their_turn_went_on_stay_deleted_with_what_would_have_followed()
    {
        await journal.StartAsync(TestContext.Current.CancellationToken);
        var question = new MessageRow(Guid.NewGuid(), "user", Now) { Status = MessageStatus.Completed };
        var record = await RecordAsync(question: question);
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        Assert.Equal(1, await new Messages(database, quotas, TimeProvider.System).DeleteAfterAsync(record.ThreadId, question.Id, TestContext.Current.CancellationToken));
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.AppendText("the answer");
        await WriteAsync(record);
        record.End(MessageStatus.Aborted, Now);
        await WriteAsync(record);

        Assert.Equal(["user completed"], await MessagesAsync(record));
        Assert.Equal(["aborted"], overruled);
    }

    [Fact]
    public async Task What_an_aborted_turn_had_found_is_kept()
    {
        await journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        await ExecuteAsync("update stream_sessions set status = 'aborted'; update messages set status = 'aborted'");
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.End(MessageStatus.Aborted, Now);
        await WriteAsync(record);

        Assert.Equal(["assistant aborted", "tool completed"], await MessagesAsync(record));
    }

    [Fact]
    public async Task A_turn_that_was_buried_adds_nothing()
    {
        await journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        await ExecuteAsync("update stream_sessions set status = 'error'; update messages set status = 'error'");
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        await WriteAsync(record);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal([null], overruled);
    }

    [Fact]
    public async Task A_commit_that_nobody_knows_of_may_be_repeated()
    {
        var record = await RecordAsync();
        record.AppendText("one");
        await CommitAsync(record.Changes());
        record.AppendText(" two");
        var changes = record.Changes();
        await CommitAsync(changes);
        record.MarkWritten(changes);
        record.NextMessage(Guid.NewGuid(), Now);
        await CommitAsync(record.Changes());
        record.End(MessageStatus.Completed, Now);
        await CommitAsync(record.Changes());

        Assert.Equal(["assistant completed", "assistant completed"], await MessagesAsync(record));
        Assert.Equal("one two", await ScalarAsync("select content from messages order by seq limit 1"));
        Assert.Equal("completed", await ScalarAsync("select status from stream_sessions"));
    }

    [Fact]
    public async Task The_dead_are_buried_whatever_Redis_says()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await connection.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "-del", "-unlink");
        var record = await RecordAsync();
        await CommitAsync(record.Changes());
        await ExecuteAsync($"insert into replicas (id, started_at, last_heartbeat) values ('{replica}', now(), now() - interval '1 hour')");

        await new TurnReaper(database, connection, TimeProvider.System, NullLogger<TurnReaper>.Instance).SweepAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        await Assert.ThrowsAsync<RedisServerException>(() => connection.GetDatabase().KeyDeleteAsync("any"));
    }

    /// <summary>A turn that has just begun, in a thread of its own.</summary>
    private async Task<TurnRecord> RecordAsync(string principal = "user:ann", string? modelId = null, MessageRow? question = null)
    {
        var thread = Guid.NewGuid();
        await ExecuteAsync($"insert into threads (id, model_id, session_id) values ('{thread}', 'm', 's')");
        return new(Guid.NewGuid(), thread, Guid.NewGuid(), principal, modelId, Now, question) { ClosedElsewhere = overruled.Add };
    }

    private Task WriteAsync(TurnRecord record)
    {
        journal.WriteNow(record);
        return record.WrittenAsync().WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    private Task CommitAsync(TurnChanges changes) => TurnJournalCommit.WriteAsync(database, replica.Value, [changes], Now);

    private async Task<IReadOnlyList<string>> MessagesAsync(TurnRecord record)
    {
        await using var command = database.CreateCommand($"select role || ' ' || status from messages where thread_id = '{record.ThreadId}' order by seq");
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<string>();
        while (await reader.ReadAsync())
        {
            found.Add(reader.GetString(0));
        }

        return found;
    }

    private async Task<string?> ScalarAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync() as string;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
