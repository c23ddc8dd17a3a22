using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The journal of turns alone, with a real Postgres.</summary>
public sealed class TurnJournalTests(SharedStores stores) : JournalTest(stores)
{
    private const string LoneSurrogate = "\ud83d";

    [Fact]
    public async Task A_turn_that_Postgres_rejects_delays_no_other_turn_and_only_it_is_ended()
    {
        var rejected = await RecordAsync(principal: $"user:{LoneSurrogate}");
        var (before, after) = (await RecordAsync(), await RecordAsync());

        Journal.WriteNow(before);
        Journal.WriteNow(rejected);
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(before.WrittenAsync(), rejected.WrittenAsync()).WaitAsync(MaxWait, TestContext.Current.CancellationToken);
        await WriteAsync(after);

        Assert.Equal("error", ClosedElsewhere[0]);
        Assert.Equal(["assistant streaming"], await MessagesAsync(before));
        Assert.Equal(["assistant streaming"], await MessagesAsync(after));
        Assert.Empty(await MessagesAsync(rejected));
    }

    [Fact]
    public async Task A_turn_whose_update_is_rejected_gets_status_error_and_keeps_its_persisted_text()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
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
        Assert.Equal("error", ClosedElsewhere[0]);
    }

    [Fact]
    public async Task Characters_that_Postgres_cannot_store_are_removed_or_replaced_in_every_column()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
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
        Assert.Empty(ClosedElsewhere);
    }

    [Fact]
    public async Task Messages_deleted_during_their_turn_stay_deleted_and_no_later_message_is_added()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var userMessage = new MessageRow(Guid.NewGuid(), "user", Now) { Status = MessageStatus.Completed };
        var record = await RecordAsync(userMessage: userMessage);
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        Assert.Equal(
            1,
            await new Messages(Requests, Quotas, Signals, TimeProvider.System)
                .DeleteAfterAsync(record.ThreadId, userMessage.Id, TestContext.Current.CancellationToken));
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        record.AppendText("the answer");
        await WriteAsync(record);
        record.End(MessageStatus.Aborted, Now);
        await WriteAsync(record);

        Assert.Equal(["user completed"], await MessagesAsync(record));
        Assert.Equal(["aborted"], ClosedElsewhere);
    }

    [Fact]
    public async Task Tool_results_of_an_aborted_turn_are_persisted()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
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
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        record.AddToolCalls([new("call_1", "search_web", "{}")]);
        await WriteAsync(record);

        await ExecuteAsync("update stream_sessions set status = 'error'; update messages set status = 'error'");
        record.AddToolResult("call_1", "search_web", "found", Now);
        record.NextMessage(Guid.NewGuid(), Now);
        await WriteAsync(record);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal(["error"], ClosedElsewhere);
    }

    [Fact]
    public async Task A_turn_whose_thread_was_deleted_is_closed_without_a_status()
    {
        await Journal.StartAsync(TestContext.Current.CancellationToken);
        var record = await RecordAsync();
        await WriteAsync(record);
        await ExecuteAsync("delete from threads");

        record.AppendText("late");
        await WriteAsync(record);

        Assert.Equal([null], ClosedElsewhere);
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
            $"insert into replicas (id, started_at, last_heartbeat) values ('{OwnId}', now(), now() - interval '1 hour')");

        await using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var slis = new SliRecorder(
            new(Database), ReplicaId.New(), new(meters.GetRequiredService<IMeterFactory>()), TimeProvider.System, Outages,
            NullLogger<SliRecorder>.Instance);

        await new TurnReaper(Database, connection, Signals, slis, TimeProvider.System, Outages, NullLogger<TurnReaper>.Instance)
            .SweepAsync(TestContext.Current.CancellationToken);
        await slis.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["assistant error"], await MessagesAsync(record));
        Assert.Equal(
            "/api/chat 1 replica_lost",
            await ScalarAsync(
                "select endpoint || ' ' || failed || ' ' || (select key from jsonb_each(reasons)) from reliability.sli_minutes "
                + "where failed > 0"));
        await Assert.ThrowsAsync<RedisServerException>(() => connection.GetDatabase().KeyDeleteAsync("any"));
    }
}
