using System.Net;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Detached turns, with a grace time of ten minutes and up to ten concurrent turns for each principal.</summary>
public sealed class DetachedTurnTests(SharedStores stores) : IAsyncLifetime
{
    private SendcatSystem _sendcat = null!;

    public async ValueTask InitializeAsync() => _sendcat = await SendcatSystem.StartAsync(
        stores, replicas: 2, ("CHAT_DETACH_GRACE_MS", "600000"), ("ADMISSION_USER_MAX_INFLIGHT", "10"),
        ("RATE_LIMIT_CHAT_STREAM_MAX", "1000"));

    public ValueTask DisposeAsync() => _sendcat.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_new_turn_of_the_thread_on_any_replica_replaces_a_detached_turn(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=1]] [[emu times=1 key=left chunks=4000 every=25ms]]");
        string? first;
        await using (var stream = await guest.ChatAsync(thread))
        {
            first = (await stream.ReadUntilAsync("start")).GetProperty("messageId").GetString();
            await stream.ReadUntilAsync("content");
        }

        // The test holds whether or not the server has noticed the closed connection by now.
        await guest.AddMessageAsync(thread, "[[emu chunks=1]]");
        await using var next = await there.ChatAsync(thread);
        await next.ReadToEndAsync();

        Assert.Equal("done", next.Types[^1]);

        // The journal writes the status in the background.
        await Eventually.TrueAsync(async () => (await guest.MessagesAsync(thread)).Any(
            message => message.GetProperty("id").GetString() == first && message.GetProperty("status").GetString() == "aborted"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_turn_with_a_reader_is_not_replaced_by_a_new_turn(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync("[[emu chunks=60 every=25ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.ReadUntilAsync("content");

        await guest.AddMessageAsync(thread, "[[emu chunks=60 every=25ms]]");
        await using var second = await there.ChatAsync(thread);
        await second.ReadToEndAsync();
        await first.ReadToEndAsync();

        Assert.Equal((HttpStatusCode.OK, "done", "done"), (second.Status, first.Types[^1], second.Types[^1]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_by_the_thread_ends_its_turns_on_all_replicas(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=4000 every=25ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.ReadUntilAsync("content");
        await guest.AddMessageAsync(thread, "[[emu chunks=4000 every=25ms]]");
        await using var second = await there.ChatAsync(thread);
        await second.ReadUntilAsync("content");

        using var stopped = await guest.At(_sendcat.Replicas[replica]).AbortLatestAsync(thread);
        await Task.WhenAll(first.ReadToEndAsync(), second.ReadToEndAsync());

        Assert.Equal((HttpStatusCode.NoContent, "aborted", "aborted"), (stopped.StatusCode, first.Types[^1], second.Types[^1]));
        Assert.Equal(
            ["aborted", "aborted"],
            (await guest.MessagesAsync(thread)).Where(message => message.GetProperty("role").GetString() == "assistant")
                .Select(message => message.GetProperty("status").GetString()));
    }
}
