using System.Diagnostics.Metrics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Threads.Events;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The journal of turns alone, with a real Postgres.</summary>
public sealed class TurnJournalTests(SharedStores stores) : IAsyncLifetime
{
    private const string LoneSurrogate = "\ud83d";

    /// <summary>Number, content and reasoning of all parts.</summary>
    private const string Parts =
        "select string_agg(number || content || ' ' || coalesce(reasoning_content, ''), '|' order by number) from message_parts";

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);
    private static readonly StoreOutages Outages = StoreOutagesFeature.Create(NullLogger.Instance, TimeProvider.System);

    private readonly ReplicaId _replica = ReplicaId.New();
    private readonly List<string?> _closedElsewhere = [];
    private ServiceProvider _services = null!;
    private NpgsqlDataSource _database = null!;
    private RequestDatabase _requests = null!;
    private Quotas _quotas = null!;
    private ThreadSignals _signals = null!;
    private ConnectionMultiplexer _redis = null!;
    private TurnJournal _journal = null!;

    public async ValueTask InitializeAsync()
    {
        var connectionString = await MigratedDatabase.CreateAsync(await stores.PostgresAsync());
        _database = NpgsqlDataSource.Create(connectionString);
        _services = new ServiceCollection()
            .AddLogging()
            .AddMemoryCache()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddKnobs<ChatOptions>()
            .AddKnobs<QuotaOptions>()
            .AddKnobs<PostgresOptions>()
            .BuildServiceProvider();
        _requests = new(_database, _services.GetRequiredService<IOptionsMonitor<PostgresOptions>>(), TimeProvider.System, Outages);
        _quotas = new(
            _requests, _services.GetRequiredService<IMemoryCache>(), _services.GetRequiredService<IOptionsMonitor<QuotaOptions>>());
        _redis = await ConnectionMultiplexer.ConnectAsync((await stores.RedisAsync()).CreateDatabase());
        _signals = new(_redis, Outages, NullLogger<ThreadSignals>.Instance);
        _journal = new(
            _database, _replica, _signals, _services.GetRequiredService<IOptionsMonitor<ChatOptions>>(), TimeProvider.System, Outages,
            NullLogger<TurnJournal>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.StopAsync(CancellationToken.None);
        _journal.Dispose();
        await _services.DisposeAsync();
        await _redis.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_turn_that_Postgres_rejects_delays_no_other_turn_and_only_it_is_ended()
    {
        var rejected = await RecordAsync(principal: $"user:{LoneSurrogate}");
        var (before, after) = (await RecordAsync(), await RecordAsync());

        _journal.WriteNow(before);
        _journal.WriteNow(rejected);
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(before.WrittenAsync(), rejected.WrittenAsync()).WaitAsync(MaxWait, TestContext.Current.CancellationToken);
        await WriteAsync(after);

        Assert.Equal("error", _closedElsewhere[0]);
        Assert.Equal(["assistant streaming"], await MessagesAsync(before));
        Assert.Equal(["assistant streaming"], await MessagesAsync(after));
        Assert.Empty(await MessagesAsync(rejected));
    }

    [Fact]
    public async Task A_turn_whose_update_is_rejected_gets_status_error_and_keeps_its_persisted_text()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
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
        Assert.Equal("error", _closedElsewhere[0]);
    }

    [Fact]
    public async Task Characters_that_Postgres_cannot_store_are_removed_or_replaced_in_every_column()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync(modelId: $"a\0b{LoneSurrogate}");
        record.AppendReasoning($"r\0{LoneSurrogate}");
        record.AddToolCalls([new($"{LoneSurrogate}call\0", $"na{LoneSurrogate}me", """{"zone":"\\u0000"}""" + "\0" + LoneSurrogate)]);
        record.SetProducts("""[{"title":"nul \u0000 and \\u0000"}]""");
        record.AddToolResult($"{LoneSurrogate}call\0", $"na{LoneSurrogate}me", $"\0found{LoneSurrogate}", Now);
        record.End(MessageStatus.Completed, Now);

        await WriteAsync(record);

        Assert.Equal(
            "ab\ufffd|r\ufffd", await ScalarAsync("select model_id || '|' || reasoning_content from messages where role = 'assistant'"));
        Assert.Equal("""\u0000""", await ScalarAsync("select right(products->0->>'title', 6) from messages where role = 'assistant'"));
        Assert.Equal(
            "\ufffdcall|na\ufffdme|found\ufffd",
            await ScalarAsync("select tool_call_id || '|' || name || '|' || content from messages where role = 'tool'"));
        Assert.Equal(
            "\ufffdcall|na\ufffdme",
            await ScalarAsync(
                "select (tool_calls->0->>'id') || '|' || (tool_calls->0->'function'->>'name') from messages where role = 'assistant'"));
        Assert.Equal(
            """{"zone":"\\u0000"}""" + "\ufffd",
            await ScalarAsync("select tool_calls->0->'function'->>'arguments' from messages where role = 'assistant'"));
        Assert.Empty(_closedElsewhere);
    }

    [Fact]
    public async Task Messages_deleted_during_their_turn_stay_deleted_and_no_later_message_is_added()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var userMessage = new MessageRow(Guid.NewGuid(), "user", Now) { Status = MessageStatus.Completed };
        var record = await RecordAsync(userMessage: userMessage);
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        Assert.Equal(
            1,
            await new Messages(_requests, _quotas, _signals, TimeProvider.System)
                .DeleteAfterAsync(record.ThreadId, userMessage.Id, TestContext.Current.CancellationToken));
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.AppendText("the answer");
        await WriteAsync(record);
        record.End(MessageStatus.Aborted, Now);
        await WriteAsync(record);

        Assert.Equal(["user completed"], await MessagesAsync(record));
        Assert.Equal(["aborted"], _closedElsewhere);
    }

    [Fact]
    public async Task Tool_results_of_an_aborted_turn_are_persisted()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
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
    public async Task A_reaped_turn_adds_no_messages()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        await ExecuteAsync("update stream_sessions set status = 'error'; update messages set status = 'error'");
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        await WriteAsync(record);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal(["error"], _closedElsewhere);
    }

    [Fact]
    public async Task A_turn_whose_thread_was_deleted_is_closed_without_a_status()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        await ExecuteAsync("delete from threads");

        record.AppendText("late");
        await WriteAsync(record);

        Assert.Equal([null], _closedElsewhere);
    }

    [Fact]
    public async Task Checkpoints_add_parts_and_the_end_of_the_message_writes_the_whole_text_and_removes_them()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AppendText("The first of three: one");
        await WriteAsync(record);
        record.AppendText(" two");
        record.AppendReasoning("why");
        await WriteAsync(record);
        record.AppendText(" three");
        await WriteAsync(record);

        Assert.Equal("The first of three: one", await ScalarAsync("select content from messages"));
        Assert.Equal("0 two why|1 three ", await ScalarAsync(Parts));
        record.End(MessageStatus.Completed, Now);
        await WriteAsync(record);
        Assert.Equal(
            "The first of three: one two three|why", await ScalarAsync("select content || '|' || reasoning_content from messages"));
        Assert.Null(await ScalarAsync(Parts));
    }

    [Fact]
    public async Task A_checkpoint_of_a_text_that_has_doubled_writes_the_row()
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        record.AppendText("one");
        await WriteAsync(record);
        record.AppendText(" two");
        await WriteAsync(record);

        Assert.Equal("one two", await ScalarAsync("select content from messages"));
        Assert.Null(await ScalarAsync(Parts));
        record.AppendText(" three");
        await WriteAsync(record);
        Assert.Equal("0 three ", await ScalarAsync(Parts));
        record.AppendText(" four and everything that doubles the text");
        await WriteAsync(record);
        Assert.Equal("one two", await ScalarAsync("select content from messages"));
    }

    [Theory]
    [InlineData("aborted")]
    [InlineData("error")]
    public async Task A_message_that_another_statement_closes_keeps_its_parts_and_they_count_in_the_quotas(string status)
    {
        await _journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        record.AppendText("one");
        record.AppendReasoning("why");
        await WriteAsync(record);
        record.AppendText(" two");
        await WriteAsync(record);

        await ExecuteAsync($"update messages set status = '{status}'");

        Assert.Equal(
            $"one two|why|{status}", await ScalarAsync("select content || '|' || reasoning_content || '|' || status from messages"));
        Assert.Equal("10", await ScalarAsync("select bytes::text from threads"));
        Assert.Null(await ScalarAsync(Parts));
    }

    [Fact]
    public async Task A_message_that_was_closed_elsewhere_gets_no_further_part()
    {
        var record = await RecordAsync();
        await CommitAsync(record);
        await ExecuteAsync("update stream_sessions set status = 'aborted'; update messages set status = 'aborted'");
        record.AppendText("late");

        var changes = record.Changes();
        var closed = await TurnJournalCommit.WriteAsync(_database, _replica.Value, [changes], Now);

        Assert.Equal([KeyValuePair.Create(record, (string?)"aborted")], closed);
        Assert.Null(await ScalarAsync(Parts));
        record.MarkWritten(changes);
        record.End(MessageStatus.Aborted, Now);
        await CommitAsync(record);
        Assert.Equal("late|aborted", await ScalarAsync("select content || '|' || status from messages"));
    }

    [Fact]
    public async Task A_part_whose_commit_has_an_unknown_outcome_is_written_again_with_the_text_since()
    {
        var record = await RecordAsync();
        record.AppendText("A longer beginning. ");
        await CommitAsync(record);
        record.AppendText("one");
        await CommitAsync(record.Changes());
        record.AppendText(" two");
        await CommitAsync(record);
        record.AppendText(" three");
        await CommitAsync(record);

        Assert.Equal("0one two|1 three", (await ScalarAsync(Parts))!.Replace(" |", "|", StringComparison.Ordinal).TrimEnd());
    }

    [Fact]
    public async Task A_commit_with_an_unknown_outcome_may_be_repeated()
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
    public async Task Turns_of_a_dead_replica_are_closed_even_when_Redis_rejects_the_cleanup()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await connection.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "-del", "-unlink");
        var record = await RecordAsync();
        await CommitAsync(record.Changes());
        await ExecuteAsync(
            $"insert into replicas (id, started_at, last_heartbeat) values ('{_replica}', now(), now() - interval '1 hour')");

        await using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var slis = new SliRecorder(
            new(_database), ReplicaId.New(), new(meters.GetRequiredService<IMeterFactory>()), TimeProvider.System, Outages,
            NullLogger<SliRecorder>.Instance);

        await new TurnReaper(_database, connection, _signals, slis, TimeProvider.System, Outages, NullLogger<TurnReaper>.Instance)
            .SweepAsync(TestContext.Current.CancellationToken);
        await slis.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal("/api/chat 1 replica_lost", await ScalarAsync("select endpoint || ' ' || failed || ' ' || (select key from jsonb_each(reasons)) from reliability.sli_minutes where failed > 0"));
        await Assert.ThrowsAsync<RedisServerException>(() => connection.GetDatabase().KeyDeleteAsync("any"));
    }

    /// <summary>A turn that has just started, in a new thread.</summary>
    private async Task<TurnRecord> RecordAsync(string principal = "user:ann", string? modelId = null, MessageRow? userMessage = null)
    {
        var thread = Guid.NewGuid();
        await ExecuteAsync($"insert into threads (id, model_id, session_id) values ('{thread}', 'm', 's')");
        return new(Guid.NewGuid(), thread, Guid.NewGuid(), principal, modelId, Now, userMessage) { ClosedElsewhere = _closedElsewhere.Add };
    }

    /// <summary>Waits until the journal has committed the changes of the turn, or has given them up.</summary>
    private Task WriteAsync(TurnRecord record)
    {
        _journal.WriteNow(record);
        return record.WrittenAsync().WaitAsync(MaxWait, TestContext.Current.CancellationToken);
    }

    /// <summary>Commits the changes of the turn, with a known outcome.</summary>
    private async Task CommitAsync(TurnRecord record)
    {
        var changes = record.Changes();
        await CommitAsync(changes);
        record.MarkWritten(changes);
    }

    private Task CommitAsync(TurnChanges changes) => TurnJournalCommit.WriteAsync(_database, _replica.Value, [changes], Now);

    /// <summary>Role and status of the messages of the turn's thread, oldest first.</summary>
    private async Task<IReadOnlyList<string>> MessagesAsync(TurnRecord record)
    {
        await using var command = _database.CreateCommand(
            $"select role || ' ' || status from messages where thread_id = '{record.ThreadId}' order by seq");
        await using var reader = await command.ExecuteReaderAsync();
        var messages = new List<string>();
        while (await reader.ReadAsync())
        {
            messages.Add(reader.GetString(0));
        }

        return messages;
    }

    private async Task<string?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync() as string;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
