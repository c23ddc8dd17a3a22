using System.Net;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Turns that nobody reads, where a principal may have several and they are waited for long.</summary>
public sealed class DetachedTurnTests(SharedStores stores) : IAsyncLifetime
{
    private SendcatSystem sendcat = null!;

    public async ValueTask InitializeAsync() => sendcat = await SendcatSystem.StartAsync(
        stores, replicas: 2, ("CHAT_DETACH_GRACE_MS", "600000"), ("ADMISSION_USER_MAX_INFLIGHT", "10"), ("RATE_LIMIT_CHAT_STREAM_MAX", "1000"));

    public ValueTask DisposeAsync() => sendcat.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_new_turn_of_the_thread_on_any_replica_takes_the_place_of_one_that_nobody_reads(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu chunks=1]] [[emu times=1 key=left chunks=4000 every=25ms]]");
        string? first;
        await using (var left = await guest.ChatAsync(thread))
        {
            first = (await left.UntilAsync("start")).GetProperty("messageId").GetString();
            await left.UntilAsync("content");
        }

        // The server may hear of the closed connection only now, which makes no difference.
        await using var next = await there.ChatAsync(thread);
        await next.ToEndAsync();

        Assert.Equal("done", next.Types[^1]);
        await Eventually.TrueAsync(async () => (await guest.MessagesAsync(thread)).Any(message => message.GetProperty("id").GetString() == first && message.GetProperty("status").GetString() == "aborted"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_turn_that_somebody_reads_keeps_its_place(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync("[[emu chunks=60 every=25ms]]");
        await using var first = await guest.ChatAsync(thread);
        await first.UntilAsync("content");

        await using var second = await there.ChatAsync(thread);
        await second.ToEndAsync();
        await first.ToEndAsync();

        Assert.Equal((HttpStatusCode.OK, "done", "done"), (second.Status, first.Types[^1], second.Types[^1]));
    }
}
