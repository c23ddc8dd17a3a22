using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.IntegrationTests.Reliability;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

[Collection(nameof(ChatCollection))]
public sealed class AbortAndResumeTests(ChatSystemFixture fixture)
{
    private const string Slow = "[[emu chunks=400 every=25ms]]";

    private readonly SendcatSystem sendcat = fixture.System;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_on_any_replica_ends_the_turn_and_the_provider_hears_of_it(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.UntilAsync("start");
        await stream.UntilAsync("content");
        var aborted = sendcat.Model.Stats.Snapshot().Totals.Aborted;

        using var answer = await there.AbortAsync(thread, Text(start, "messageId")!, Text(start, "streamId"));

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await stream.ToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        Assert.DoesNotContain("error", stream.Types);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > aborted);
        var message = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("aborted", stream.Text), (Text(message, "status"), Text(message, "content")));
    }

    [Fact]
    public async Task Whose_a_thread_is_gets_found_out_without_its_messages()
    {
        using var guest = await sendcat.GuestAsync();
        using var other = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("hi");
        await using var database = NpgsqlDataSource.Create(sendcat.Database);
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var closed = new NpgsqlCommand("lock table messages in access exclusive mode", connection, transaction))
        {
            await closed.ExecuteNonQueryAsync();
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
    public async Task One_turn_has_32_readers_on_a_replica_and_the_next_one_is_told_when_to_come_back(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync(Slow);
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");
        var readers = new List<ChatStream>();
        for (var n = replica == 0 ? 1 : 0; n < 32; n++)
        {
            readers.Add(await there.ResumeAsync(thread));
        }

        await using var refused = await there.ResumeAsync(thread);

        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Response.Headers.RetryAfter?.Delta);
        Assert.All(readers, reader => Assert.Equal(HttpStatusCode.OK, reader.Status));
        await readers[0].DisposeAsync();
        await Until.TrueAsync(async () =>
        {
            await using var again = await there.ResumeAsync(thread);
            return again.Status == HttpStatusCode.OK;
        });
        using var abort = await guest.AbortLatestAsync(thread);
        foreach (var reader in readers[1..])
        {
            await reader.ToEndAsync();
            Assert.Equal(readers[1].Text, reader.Text);
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_turn_that_never_pauses_keeps_its_only_reader_on_another_replica()
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync("[[emu chunks=850 every=25ms]]");
        var asked = await guest.ChatAsync(thread);
        await asked.UntilAsync("content");
        await using var resumed = await there.ResumeAsync(thread);
        await resumed.UntilAsync("content");
        await asked.DisposeAsync();

        await resumed.ToEndAsync();

        Assert.Equal("done", resumed.Types[^1]);
        var message = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("completed", resumed.Text), (Text(message, "status"), Text(message, "content")));
    }

    [Theory]
    [InlineData("[[emu hang=before-headers]]")]
    [InlineData("[[emu hang=before-first]]")]
    public async Task An_abort_before_the_first_token_reaches_the_provider_and_fails_nothing_over(string prompt)
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(prompt);
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.UntilAsync("start");
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Active > 0);
        var before = sendcat.Model.Stats.Snapshot().Totals;

        using var answer = await guest.AbortAsync(thread, Text(start, "messageId")!);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var after = (await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Aborted)).Totals;
        Assert.Equal(before.Started, after.Started);
        Assert.Equal("aborted", Text((await guest.MessagesAsync(thread))[^1], "status"));
    }

    [Fact]
    public async Task A_foreign_stream_id_opens_nothing()
    {
        using var owner = await sendcat.GuestAsync();
        using var stranger = await sendcat.GuestAsync();
        var thread = await owner.AskingAsync(Slow);
        await using var stream = await owner.ChatAsync(thread);
        var start = await stream.UntilAsync("start");
        var own = await stranger.AskingAsync("[[emu chunks=1]]");
        await using (var short1 = await stranger.ChatAsync(own))
        {
            await short1.ToEndAsync();
        }

        var ownMessage = Text((await stranger.MessagesAsync(own))[^1], "id")!;
        using var refused = await stranger.AbortAsync(thread, Text(start, "messageId")!, Text(start, "streamId"));
        using var harmless = await stranger.AbortAsync(own, ownMessage, Text(start, "streamId"));

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.NotNull(await stream.NextAsync());
        using var stopped = await owner.AbortAsync(thread, Text(start, "messageId")!);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task A_message_that_is_none_of_the_thread_is_an_invalid_request()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("hi");

        foreach (var id in new[] { Guid.NewGuid().ToString(), "nonsense" })
        {
            using var answer = await guest.AbortAsync(thread, id);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal("invalid_request", answer.Headers.GetValues("x-sendcat-error-code").Single());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_that_comes_when_its_turn_is_over_leaves_the_next_one_alone(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        await using var first = await guest.ChatAsync(thread);
        var over = await first.UntilAsync("start");
        await first.ToEndAsync();
        await guest.SayAsync(thread, "[[emu chunks=100 every=25ms]]");
        await using var second = await guest.ChatAsync(thread);
        await second.UntilAsync("content");

        using var late = await there.AbortAsync(thread, Text(over, "messageId")!);
        using var latest = await there.AbortAsync(thread, Text(over, "messageId")!, Text(over, "streamId"));

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (late.StatusCode, latest.StatusCode));
        await second.ToEndAsync();
        Assert.Equal("done", second.Types[^1]);
        Assert.Equal(["completed", "completed"], (await guest.MessagesAsync(thread)).Where(message => Text(message, "role") == "assistant").Select(message => Text(message, "status")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_live_stream_does_not_make_a_message_of_what_is_none(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu chunks=100 every=25ms]]");
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.UntilAsync("start");
        await stream.UntilAsync("content");

        using var answer = await there.AbortAsync(thread, Guid.NewGuid().ToString(), Text(start, "streamId"));

        await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await stream.ToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_turn_is_stopped_by_any_of_its_messages_whichever_it_writes_now(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu call=1 tool=get_current_time]] [[emu call=2 chunks=2000 every=25ms]]");
        await using var stream = await guest.ChatAsync(thread);
        var first = await stream.UntilAsync("start");
        await stream.UntilAsync("start");
        await stream.UntilAsync("content");

        using var answer = await there.AbortAsync(thread, Text(first, "messageId")!);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await stream.ToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        var answered = (await guest.MessagesAsync(thread))[^1];
        Assert.Equal(("assistant", "aborted", stream.Text), (Text(answered, "role"), Text(answered, "status"), Text(answered, "content")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_client_that_has_seen_nothing_of_its_turn_stops_it_by_its_thread(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var stranger = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu hang=before-headers]]");
        await using var stream = await guest.ChatAsync(thread);

        using var refused = await stranger.AbortLatestAsync(thread);
        using var stopped = await there.AbortLatestAsync(thread);
        await stream.ToEndAsync();
        using var idle = await there.AbortLatestAsync(thread);

        await refused.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (stopped.StatusCode, idle.StatusCode));
        Assert.Equal(["start"], stream.Types);
        Assert.Equal("aborted", Text((await guest.MessagesAsync(thread))[^1], "status"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reader_that_left_comes_back_on_any_replica_and_misses_nothing(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu chunks=60 every=100ms]]");
        await using (var left = await guest.ChatAsync(thread))
        {
            await left.UntilAsync("content");
        }

        await using var back = await there.ResumeAsync(thread);
        await back.ToEndAsync();

        Assert.Equal(HttpStatusCode.OK, back.Status);
        Assert.Equal("start", back.Types[0]);
        Assert.Equal("done", back.Types[^1]);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 60)), back.Text.Trim());
    }

    [Fact]
    public async Task Two_readers_of_one_turn_read_the_same()
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync("[[emu chunks=60 every=100ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.UntilAsync("content");

        await using var second = await there.ResumeAsync(thread);
        await Task.WhenAll(first.ToEndAsync(), second.ToEndAsync());

        Assert.Equal(first.Text, second.Text);
        Assert.Equal("done", second.Types[^1]);
    }

    [Fact]
    public async Task Where_nothing_runs_there_is_nothing_to_come_back_to()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ToEndAsync();
        }

        await using var back = await guest.ResumeAsync(thread);

        Assert.Equal(HttpStatusCode.NoContent, back.Status);
    }

    [Fact]
    public async Task A_reader_that_does_not_come_back_counts_as_an_abort()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(Slow);
        var aborted = sendcat.Model.Stats.Snapshot().Totals.Aborted;
        await using (var left = await guest.ChatAsync(thread))
        {
            await left.UntilAsync("content");
        }

        await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > aborted);
        await Eventually.TrueAsync(async () => Text((await guest.MessagesAsync(thread))[^1], "status") == "aborted");
    }

    [Fact]
    public async Task A_client_that_leaves_before_its_message_is_on_record_has_left_all_the_same()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();
        await using var database = NpgsqlDataSource.Create(sendcat.Database);
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table messages in share mode", connection, transaction))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var before = sendcat.Model.Stats.Snapshot().Totals;
        using var leaving = new CancellationTokenSource();
        var asking = guest.Http.PostAsJsonAsync("/api/chat", UseChat.Body(thread, Slow, "m1"), leaving.Token);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Started > before.Started);

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Aborted);
        await transaction.RollbackAsync();
        await Eventually.TrueAsync(async () => (await guest.MessagesAsync(thread)) is [_, var answer] && Text(answer, "status") == "aborted");
    }

    [Fact]
    public async Task A_turn_that_fails_at_once_leaves_no_address_behind()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu status=400]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            Assert.Equal("error", (await stream.ToEndAsync())[^1].GetProperty("type").GetString());
        }

        await using var redis = await ConnectionMultiplexer.ConnectAsync(sendcat.Redis);
        await Eventually.TrueAsync(async () => !await redis.GetDatabase().KeyExistsAsync(RedisKeys.LiveTurn(Guid.Parse(thread))));
        await using var back = await guest.At(sendcat.Replicas[1]).ResumeAsync(thread);
        Assert.Equal(HttpStatusCode.NoContent, back.Status);
    }

    [Fact]
    public async Task A_page_that_is_loaded_again_never_meets_its_own_turn()
    {
        using var guest = await sendcat.GuestAsync();
        var first = await guest.AskingAsync(Slow);
        await using (var left = await guest.ChatAsync(first))
        {
            await left.UntilAsync("content");
        }

        // One request, without a retry: the server itself must handle a request that arrives before it detects the closed connection.
        await using (var next = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=2 every=0]]")))
        {
            Assert.Equal(HttpStatusCode.OK, next.Status);
            await next.ToEndAsync();
        }

        await Eventually.TrueAsync(async () => Text((await guest.MessagesAsync(first))[^1], "status") == "aborted");
    }

    [Fact]
    public async Task The_ui_dialect_stores_the_message_it_brings_once_and_replays_from_the_start()
    {
        using var guest = await sendcat.GuestAsync();
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
        await stream.ToEndAsync();
        await using var again = await guest.PostChatAsync(Body("""[[emu text="Hi."]]hello"""));
        await again.ToEndAsync();

        Assert.True(stream.SawDone);
        Assert.Equal("v1", stream.Response.Headers.GetValues("x-vercel-ai-ui-message-stream").Single());
        Assert.Equal(["start", "start-step"], stream.Types.Take(2));
        Assert.Equal(["text-end", "finish-step", "finish"], stream.Types.TakeLast(3));
        Assert.Equal(["user", "assistant", "assistant"], (await guest.MessagesAsync(thread)).Select(message => Text(message, "role")));
    }

    [Fact]
    public async Task An_answer_that_is_deleted_while_it_is_written_ends_and_does_not_come_back()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(Slow);
        var question = Text((await guest.MessagesAsync(thread))[0], "id");
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");

        await Eventually.TrueAsync(async () =>
        {
            using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}/messages?after={question}");
            return (await deleted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("deletedCount").GetInt32() == 1;
        });

        await stream.ToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        Assert.Equal(["user"], (await guest.MessagesAsync(thread)).Select(message => Text(message, "role")));
    }

    [Fact]
    public async Task Regenerating_replaces_the_last_answer()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync("[[emu chunks=2 every=0]]");
        await using (var first = await guest.ChatAsync(thread))
        {
            await first.ToEndAsync();
        }

        var answer = Text((await guest.MessagesAsync(thread))[^1], "id");
        await using var stream = await guest.PostChatAsync(new { id = thread, trigger = "regenerate-message", messageId = answer, sessionId = guest.SessionId, messages = Array.Empty<object>() });
        await stream.ToEndAsync();

        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["user", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.NotEqual(answer, Text(messages[^1], "id"));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
