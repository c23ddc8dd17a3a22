using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Aborts of turns, readers that disconnect and resume, and regeneration, each on the same and on another replica. The tests poll where
/// the journal writes a status in the background or the server has to notice a closed connection: no signal reports either.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class AbortAndResumeTests(ChatSystemFixture fixture)
{
    private const string Slow = "[[emu chunks=400 every=25ms]]";

    private readonly SendcatSystem _sendcat = fixture.System;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_on_any_replica_ends_the_turn_and_closes_the_connection_to_the_provider(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        await stream.ReadUntilAsync("content");
        var aborted = _sendcat.Model.Stats.Snapshot().Totals.Aborted;

        using var response = await there.AbortAsync(thread, Text(start, "messageId")!, Text(start, "streamId"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        await stream.ReadToEndAsync();
        Assert.Equal("aborted", stream.Types[^1]);
        Assert.DoesNotContain("error", stream.Types);
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > aborted);
        var message = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("aborted", stream.Text), (Text(message, "status"), Text(message, "content")));
    }

    [Fact]
    public async Task The_owner_of_a_thread_is_checked_without_reading_its_messages()
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("hi");
        await using var database = NpgsqlDataSource.Create(_sendcat.Database);
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var locking = new NpgsqlCommand("lock table messages in access exclusive mode", connection, transaction))
        {
            await locking.ExecuteNonQueryAsync();
        }

        await using var idle = await guest.ResumeAsync(thread);
        await using var foreign = await other.ResumeAsync(thread);
        using var abort = await other.AbortAsync(thread, Guid.NewGuid().ToString());

        Assert.Equal(HttpStatusCode.NoContent, idle.Status);
        await foreign.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await abort.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_turn_has_at_most_32_readers_per_replica_and_the_next_one_gets_a_retry_delay(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");
        var readers = new List<ChatStream>();
        for (var n = replica == 0 ? 1 : 0; n < 32; n++)
        {
            readers.Add(await there.ResumeAsync(thread));
        }

        await using var refused = await there.ResumeAsync(thread);

        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "turn_readers");
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Response.Headers.RetryAfter?.Delta);
        Assert.All(readers, reader => Assert.Equal(HttpStatusCode.OK, reader.Status));
        await readers[0].DisposeAsync();
        await Eventually.TrueAsync(async () =>
        {
            await using var resumed = await there.ResumeAsync(thread);
            return resumed.Status == HttpStatusCode.OK;
        });
        using var abort = await guest.AbortLatestAsync(thread);
        foreach (var reader in readers[1..])
        {
            await reader.ReadToEndAsync();
            Assert.Equal(readers[1].Text, reader.Text);
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_turn_that_streams_without_pauses_keeps_its_only_reader_on_another_replica()
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=850 every=25ms]]");
        var first = await guest.ChatAsync(thread);
        await first.ReadUntilAsync("content");
        await using var resumed = await there.ResumeAsync(thread);
        await resumed.ReadUntilAsync("content");
        await first.DisposeAsync();

        await resumed.ReadToEndAsync();

        Assert.Equal("done", resumed.Types[^1]);
        var message = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("completed", resumed.Text), (Text(message, "status"), Text(message, "content")));
    }

    [Theory]
    [InlineData("[[emu hang=before-headers]]")]
    [InlineData("[[emu hang=before-first]]")]
    public async Task An_abort_before_the_first_token_reaches_the_provider_and_causes_no_failover(string prompt)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Active > 0);
        var before = _sendcat.Model.Stats.Snapshot().Totals;

        using var response = await guest.AbortAsync(thread, Text(start, "messageId")!);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        var after = (await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Aborted)).Totals;
        Assert.Equal(before.Started, after.Started);
        Assert.Equal("aborted", Text((await guest.MessagesAsync(thread))[^1], "status"));
    }

    [Fact]
    public async Task A_foreign_stream_id_grants_no_access()
    {
        using var owner = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        var thread = await owner.NewThreadAsync(Slow);
        await using var stream = await owner.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        var own = await other.NewThreadAsync("[[emu chunks=1]]");
        await using (var finished = await other.ChatAsync(own))
        {
            await finished.ReadToEndAsync();
        }

        var ownMessage = Text((await other.MessagesAsync(own))[^1], "id")!;
        using var refused = await other.AbortAsync(thread, Text(start, "messageId")!, Text(start, "streamId"));
        using var harmless = await other.AbortAsync(own, ownMessage, Text(start, "streamId"));

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.NotNull(await stream.NextAsync());
        using var stopped = await owner.AbortAsync(thread, Text(start, "messageId")!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task An_abort_with_a_message_id_of_another_thread_is_an_invalid_request()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("hi");

        foreach (var id in new[] { Guid.NewGuid().ToString(), "nonsense" })
        {
            using var response = await guest.AbortAsync(thread, id);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("invalid_request", response.Headers.GetValues("x-sendcat-error-code").Single());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_late_abort_does_not_affect_the_next_turn(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=1]]");
        await using var first = await guest.ChatAsync(thread);
        var start = await first.ReadUntilAsync("start");
        await first.ReadToEndAsync();
        await guest.AddMessageAsync(thread, "[[emu chunks=100 every=25ms]]");
        await using var second = await guest.ChatAsync(thread);
        await second.ReadUntilAsync("content");

        using var late = await there.AbortAsync(thread, Text(start, "messageId")!);
        using var lateWithStreamId = await there.AbortAsync(thread, Text(start, "messageId")!, Text(start, "streamId"));

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (late.StatusCode, lateWithStreamId.StatusCode));
        await second.ReadToEndAsync();
        Assert.Equal("done", second.Types[^1]);
        Assert.Equal(
            ["completed", "completed"],
            (await guest.MessagesAsync(thread)).Where(message => Text(message, "role") == "assistant")
                .Select(message => Text(message, "status")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_unknown_message_id_is_invalid_even_with_a_live_stream_id(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=100 every=25ms]]");
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        await stream.ReadUntilAsync("content");

        using var response = await there.AbortAsync(thread, Guid.NewGuid().ToString(), Text(start, "streamId"));

        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await stream.ReadToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_turn_can_be_aborted_by_the_id_of_any_of_its_messages(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu call=1 tool=get_current_time]] [[emu call=2 chunks=2000 every=25ms]]");
        await using var stream = await guest.ChatAsync(thread);
        var first = await stream.ReadUntilAsync("start");
        await stream.ReadUntilAsync("start");
        await stream.ReadUntilAsync("content");

        using var response = await there.AbortAsync(thread, Text(first, "messageId")!);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        await stream.ReadToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        var message = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("assistant", "aborted", stream.Text), (Text(message, "role"), Text(message, "status"), Text(message, "content")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_client_without_a_message_id_can_abort_its_turn_by_the_thread(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var other = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu hang=before-headers]]");
        await using var stream = await guest.ChatAsync(thread);

        using var refused = await other.AbortLatestAsync(thread);
        using var stopped = await there.AbortLatestAsync(thread);
        await stream.ReadToEndAsync();
        using var idle = await there.AbortLatestAsync(thread);

        await refused.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (stopped.StatusCode, idle.StatusCode));
        Assert.Equal(["start", "aborted"], stream.Types);
        Assert.Equal("aborted", Text((await guest.MessagesAsync(thread))[^1], "status"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reader_that_left_comes_back_on_any_replica_and_misses_nothing(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=60 every=100ms]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ReadUntilAsync("content");
        }

        await using var resumed = await there.ResumeAsync(thread);
        await resumed.StartedAsync();
        await resumed.ReadToEndAsync();

        Assert.Equal("no-store, no-transform", resumed.Response.Headers.CacheControl!.ToString());
        Assert.Equal("start", resumed.Types[0]);
        Assert.Equal("done", resumed.Types[^1]);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 60)), resumed.Text.Trim());
    }

    [Fact]
    public async Task Two_readers_of_a_turn_receive_the_same_text()
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=60 every=100ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.ReadUntilAsync("content");

        await using var second = await there.ResumeAsync(thread);
        await second.StartedAsync();
        await Task.WhenAll(first.ReadToEndAsync(), second.ReadToEndAsync());

        Assert.Equal(first.Text, second.Text);
        Assert.Equal("done", second.Types[^1]);
    }

    [Fact]
    public async Task A_resume_without_a_running_turn_is_204()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=1]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ReadToEndAsync();
        }

        await using var resumed = await guest.ResumeAsync(thread);

        Assert.Equal(HttpStatusCode.NoContent, resumed.Status);
    }

    [Fact]
    public async Task A_detached_turn_is_aborted_after_the_grace_time()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(Slow);
        var aborted = _sendcat.Model.Stats.Snapshot().Totals.Aborted;
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ReadUntilAsync("content");
        }

        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > aborted);
        await Eventually.TrueAsync(async () => Text((await guest.MessagesAsync(thread))[^1], "status") == "aborted");
    }

    [Fact]
    public async Task A_turn_whose_client_disconnects_before_its_message_is_persisted_is_aborted()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();
        await using var database = NpgsqlDataSource.Create(_sendcat.Database);
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var locking = new NpgsqlCommand("lock table messages in share mode", connection, transaction))
        {
            await locking.ExecuteNonQueryAsync();
        }

        var before = _sendcat.Model.Stats.Snapshot().Totals;
        using var leaving = new CancellationTokenSource();
        var request = guest.Http.PostAsJsonAsync("/api/chat", UseChat.Body(thread, Slow, "m1"), leaving.Token);
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Started > before.Started);

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Aborted);
        await transaction.RollbackAsync();
        await Eventually.TrueAsync(
            async () => (await guest.MessagesAsync(thread)) is [_, var message] && Text(message, "status") == "aborted");
    }

    [Fact]
    public async Task A_turn_that_fails_at_once_leaves_no_entry_in_the_turn_directory()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu status=400]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            Assert.Equal("error", (await stream.ReadToEndAsync())[^1].GetProperty("type").GetString());
        }

        await using var redis = await ConnectionMultiplexer.ConnectAsync(_sendcat.Redis);
        await Eventually.TrueAsync(async () => !await redis.GetDatabase().KeyExistsAsync(RedisKeys.LiveTurn(Guid.Parse(thread))));
        await using var resumed = await guest.At(_sendcat.Replicas[1]).ResumeAsync(thread);
        Assert.Equal(HttpStatusCode.NoContent, resumed.Status);
    }

    [Fact]
    public async Task A_reloaded_page_can_start_a_new_turn()
    {
        using var guest = await _sendcat.GuestAsync();
        var first = await guest.NewThreadAsync(Slow);
        await using (var stream = await guest.ChatAsync(first))
        {
            await stream.ReadUntilAsync("content");
        }

        // One request, without a retry: the server itself must handle a request that arrives before it detects the closed connection.
        await using (var next = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=2 every=0]]")))
        {
            Assert.Equal(HttpStatusCode.OK, next.Status);
            await next.ReadToEndAsync();
        }

        await Eventually.TrueAsync(async () => Text((await guest.MessagesAsync(first))[^1], "status") == "aborted");
    }

    [Fact]
    public async Task The_ui_dialect_stores_its_user_message_once_when_the_request_is_repeated()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();
        object Body(string text) => new
        {
            id = thread,
            trigger = "submit-message",
            sessionId = guest.SessionId,
            messages = new object[]
            {
                new { id = "old", role = "assistant", parts = new object[] { new { type = "text", text = "ignored" } } },
                new { id = "client-1", role = "user", parts = new object[] { new { type = "text", text } } },
            },
        };

        await using var stream = await guest.PostChatAsync(Body("""[[emu text="Hi."]]hello"""));
        await stream.ReadToEndAsync();
        await using var repeated = await guest.PostChatAsync(Body("""[[emu text="Hi."]]hello"""));
        await repeated.ReadToEndAsync();

        Assert.True(stream.DoneReceived);
        Assert.Equal("v1", stream.Response.Headers.GetValues("x-vercel-ai-ui-message-stream").Single());
        Assert.Equal(["start", "start-step"], stream.Types.Take(2));
        Assert.Equal(["text-end", "finish-step", "finish"], stream.Types.TakeLast(3));
        Assert.Equal(["user", "assistant"], (await guest.MessagesAsync(thread)).Select(message => Text(message, "role")));
    }

    [Fact]
    public async Task A_deleted_answer_ends_its_running_turn_and_stays_deleted()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(Slow);
        var userMessage = Text((await guest.MessagesAsync(thread))[0], "id");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");

        await Eventually.TrueAsync(async () =>
        {
            using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}/messages?after={userMessage}");
            return (await deleted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("deletedCount").GetInt32() == 1;
        });

        await stream.ReadToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        Assert.Equal(["user"], (await guest.MessagesAsync(thread)).Select(message => Text(message, "role")));
    }

    [Fact]
    public async Task Regenerating_replaces_the_last_answer()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=2 every=0]]");
        await using (var first = await guest.ChatAsync(thread))
        {
            await first.ReadToEndAsync();
        }

        var answer = Text((await guest.MessagesAsync(thread))[^1], "id");
        await using var stream = await guest.PostChatAsync(
            new
            {
                id = thread, trigger = "regenerate-message", messageId = answer, sessionId = guest.SessionId,
                messages = Array.Empty<object>(),
            });
        await stream.ReadToEndAsync();

        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.NotEqual(answer, Text(messages[^1], "id"));
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
