using System.Net;
using Npgsql;
using static Sendcat.IntegrationTests.Chat.JsonFields;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Aborts of turns, on the same and on another replica. The tests poll where the server has to notice a closed connection: no signal
/// reports it.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class TurnAbortTests(ChatSystemFixture fixture)
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
    [InlineData("[[emu hang=before-headers]]")]
    [InlineData("[[emu hang=before-first]]")]
    public async Task An_abort_before_the_first_token_reaches_the_provider_and_causes_no_failover(string prompt)
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);
        await using var stream = await guest.ChatAsync(thread);
        var start = await stream.ReadUntilAsync("start");
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Active > 0);
        var before = _sendcat.Model.Stats.Snapshot();

        using var response = await guest.AbortAsync(thread, Text(start, "messageId")!);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        var after = await _sendcat.Model.Stats.WaitForAsync(stats => stats.Totals.Aborted > before.Totals.Aborted);
        Assert.Equal(before.ModelCalls, after.ModelCalls);
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
}
