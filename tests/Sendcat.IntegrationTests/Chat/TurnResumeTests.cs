using System.Net;
using System.Net.Http.Json;
using Npgsql;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;
using static Sendcat.IntegrationTests.Chat.JsonFields;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Readers that leave a turn and come back, on the same and on another replica. The tests poll where the journal writes a status in the
/// background or the server has to notice a closed connection: no signal reports either.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class TurnResumeTests(ChatSystemFixture fixture)
{
    private const string Slow = "[[emu chunks=400 every=25ms]]";

    private readonly SendcatSystem _sendcat = fixture.System;

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

        var before = _sendcat.Model.Stats.Snapshot();
        using var leaving = new CancellationTokenSource();
        var request = guest.Http.PostAsJsonAsync("/api/chat", UseChat.Body(thread, Slow, "m1"), leaving.Token);
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.ModelCalls > before.ModelCalls);

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Totals.Aborted);
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
}
