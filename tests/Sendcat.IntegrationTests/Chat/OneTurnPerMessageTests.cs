using Npgsql;
using Sendcat.ApiService.Chat.Record;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>First commits of turns that answer the same message, on two replicas that cannot see each other.</summary>
public sealed class OneTurnPerMessageTests(SharedStores stores) : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Guid _here = Guid.NewGuid();
    private readonly Guid _there = Guid.NewGuid();
    private NpgsqlDataSource _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await MigratedDatabase.CreateAsync(await stores.PostgresAsync()));
        await ExecuteAsync(
            $"insert into replicas (id, started_at, last_heartbeat) values ('{_here}', now(), now()), ('{_there}', now(), now())");
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_concurrent_first_commits_one_turn_of_each_message_is_opened(bool replacesCutAnswer)
    {
        var pairs = new List<(TurnRecord One, TurnRecord Other)>();
        for (var n = 0; n < 20; n++)
        {
            var (thread, message) = await MessageAsync();
            pairs.Add((Record(thread, message, replacesCutAnswer), Record(thread, message, replacesCutAnswer)));
        }

        // All turns of a replica in two commits, so that the commits of both replicas lock several threads, in different orders.
        var commits = new[]
        {
            CommitAsync(_here, pairs.Take(10).Select(pair => pair.One)),
            CommitAsync(_there, pairs.Take(10).Reverse().Select(pair => pair.Other)),
            CommitAsync(_there, pairs.Skip(10).Select(pair => pair.Other)),
            CommitAsync(_here, pairs.Skip(10).Reverse().Select(pair => pair.One)),
        };
        var closed = (await Task.WhenAll(commits)).SelectMany(found => found).ToDictionary();

        Assert.All(closed.Values, status => Assert.Equal(TurnJournalCommit.Repeated, status));
        Assert.All(pairs, pair => Assert.True(closed.ContainsKey(pair.One) ^ closed.ContainsKey(pair.Other)));
        Assert.Equal(
            "20 20",
            await ScalarAsync("select count(*) || ' ' || count(distinct user_message_id) from stream_sessions where status = 'streaming'"));
        Assert.Equal(replacesCutAnswer ? "0" : "20", await ScalarAsync("select count(*)::text from messages where role = 'assistant'"));
    }

    [Fact]
    public async Task A_turn_that_was_not_opened_leaves_nothing_when_it_ends()
    {
        var (thread, message) = await MessageAsync();
        await CommitAsync(_here, [Record(thread, message)]);
        var repeated = Record(thread, message);
        await CommitAsync(_there, [repeated]);

        repeated.AppendText("late");
        repeated.AddToolCalls([new("call_1", "search_web", "{}")]);
        repeated.End(MessageStatus.Aborted, Now);
        await CommitAsync(_there, [repeated]);

        Assert.Equal("user,assistant", await ScalarAsync("select string_agg(role, ',' order by seq) from messages"));
        Assert.Equal("streaming", await ScalarAsync("select string_agg(status, ',') from stream_sessions"));
    }

    [Fact]
    public async Task A_commit_whose_outcome_is_unknown_is_no_other_turn_of_its_message()
    {
        var (thread, message) = await MessageAsync();
        var record = Record(thread, message);

        var first = await TurnJournalCommit.WriteAsync(_database, _here, [record.Changes()], Now);
        var regeneration = await CommitAsync(_there, [Record(thread, message, isRegeneration: true)]);
        var again = await TurnJournalCommit.WriteAsync(_database, _here, [record.Changes()], Now);

        Assert.Empty(first);
        Assert.Empty(regeneration);
        Assert.Empty(again);
    }

    [Theory]
    [InlineData(MessageStatus.Streaming)]
    [InlineData(MessageStatus.Completed)]
    public async Task A_turn_whose_new_message_another_turn_has_persisted_is_not_opened(string status)
    {
        var (thread, _) = await MessageAsync();
        var message = Guid.NewGuid();
        var first = Bringing(thread, message);
        Assert.Empty(await TurnJournalCommit.WriteAsync(_database, _here, [first.Changes()], Now));
        Assert.Empty(await CommitAsync(_here, [first]));
        if (status == MessageStatus.Completed)
        {
            first.AppendText("answer");
            first.End(status, Now);
            Assert.Empty(await CommitAsync(_here, [first]));
        }

        var closed = await CommitAsync(_there, [Bringing(thread, message)]);

        Assert.Equal(TurnJournalCommit.Repeated, Assert.Single(closed).Value);
        Assert.Equal("user,user,assistant", await ScalarAsync("select string_agg(role, ',' order by seq) from messages"));
        Assert.Equal(status, await ScalarAsync("select string_agg(status, ',') from stream_sessions"));
    }

    [Fact]
    public async Task A_regeneration_and_a_turn_after_the_death_of_a_replica_are_opened()
    {
        var (thread, message) = await MessageAsync();
        await CommitAsync(_here, [Record(thread, message)]);

        Assert.Empty(await CommitAsync(_there, [Record(thread, message, replacesCutAnswer: true, isRegeneration: true)]));
        await ExecuteAsync("update replicas set last_heartbeat = now() - interval '5 seconds'");
        Assert.Empty(await CommitAsync(_there, [Record(thread, message, replacesCutAnswer: true)]));
    }

    [Theory]
    [InlineData(false, "content = 'edited'")]
    [InlineData(true, "content = 'edited'")]
    [InlineData(false, """attachments = '[{"storageId": "b"}]'""")]
    [InlineData(true, """attachments = '[{"storageId": "b"}]'""")]
    [InlineData(false, "attachments = null")]
    public async Task A_turn_whose_message_was_edited_before_its_first_commit_is_not_opened(bool replacesCutAnswer, string edit)
    {
        var (thread, message) = await MessageAsync();
        await ExecuteAsync("""update messages set attachments = '[{"storageId": "a"}]'""");
        var record = Record(thread, message, replacesCutAnswer, askedText: "hello", askedFiles: """[{"storageId":"a"}]""");
        await ExecuteAsync($"update messages set {edit}");

        var closed = await CommitAsync(_here, [record]);

        Assert.Equal("aborted", Assert.Single(closed).Value);
        Assert.Equal("user", await ScalarAsync("select string_agg(role, ',') from messages"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("""[{"storageId":"a","size":1}]""")]
    public async Task A_turn_whose_message_was_not_edited_is_opened(string? files)
    {
        var (thread, message) = await MessageAsync();
        await ExecuteAsync(files is null ? "select" : $"update messages set attachments = '{files}'");

        Assert.Empty(await CommitAsync(_here, [Record(thread, message, askedText: "hello", askedFiles: files)]));
    }

    private static TurnRecord Record(
        Guid thread, Guid message, bool replacesCutAnswer = false, bool isRegeneration = false, string? askedText = null,
        string? askedFiles = null) =>
        new(Guid.NewGuid(), thread, Guid.NewGuid(), "user:ann", null, Now, userMessage: null, message, replacesCutAnswer ? 1 : null)
        {
            IsRegeneration = isRegeneration,
            AskedText = askedText,
            AskedFilesJson = askedFiles,
        };

    /// <summary>A turn whose first commit inserts the message that it answers.</summary>
    private static TurnRecord Bringing(Guid thread, Guid message)
    {
        var row = new MessageRow(message, "user", Now) { Status = MessageStatus.Completed };
        row.Text.Append("how are you?");
        return new(Guid.NewGuid(), thread, Guid.NewGuid(), "user:ann", null, Now, row, message);
    }

    /// <summary>A new thread with one user message.</summary>
    private async Task<(Guid Thread, Guid Message)> MessageAsync()
    {
        var (thread, message) = (Guid.NewGuid(), Guid.NewGuid());
        await ExecuteAsync($"""
            insert into threads (id, model_id, session_id) values ('{thread}', 'm', 's');
            insert into messages (id, thread_id, role, content, status) values ('{message}', '{thread}', 'user', 'hello', 'completed')
            """);
        return (thread, message);
    }

    /// <summary>Commits the changes of the turns, with a known outcome.</summary>
    /// <returns>The turns that are not open, with what was found.</returns>
    private async Task<IReadOnlyList<KeyValuePair<TurnRecord, string?>>> CommitAsync(Guid replica, IEnumerable<TurnRecord> records)
    {
        TurnChanges[] changes = [.. records.Select(record => record.Changes())];
        var closed = await TurnJournalCommit.WriteAsync(_database, replica, changes, Now);
        foreach (var change in changes)
        {
            change.Record.MarkWritten(change);
        }

        return closed;
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
