using System.Net;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The abort of a thread on another replica than that of a request whose turn has not begun.</summary>
public sealed class StopBeforeStartTests(SharedStores stores)
{
    [Fact]
    public async Task The_first_turn_of_a_thread_ends_as_aborted()
    {
        await using var sendcat = await StartAsync();
        using var guest = await sendcat.GuestAsync();

        await StopAtAsync(sendcat, guest, "messages", "ACCESS EXCLUSIVE", "read thread messages by client id", "own-chat");

        var messages = await guest.MessagesAsync("own-chat");
        Assert.Equal(["completed", "aborted"], messages.Select(message => message.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_turn_of_a_thread_that_exists_ends_as_aborted()
    {
        await using var sendcat = await StartAsync();
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync();

        await StopAtAsync(sendcat, guest, "messages", "ACCESS EXCLUSIVE", "read thread messages", thread);

        var messages = await guest.MessagesAsync(thread);
        Assert.Equal(["completed", "aborted"], messages.Select(message => message.GetProperty("status").GetString()));
    }

    private Task<SendcatSystem> StartAsync() =>
        SendcatSystem.StartAsync(stores, 2, ("POSTGRES_GATE_TIMEOUT_MS", "60000"), ("POSTGRES_STATEMENT_TIMEOUT_MS", "60000"));

    private static async Task StopAtAsync(SendcatSystem sendcat, SendcatClient guest, string table, string mode, string step, string thread)
    {
        using var there = guest.At(sendcat.Replicas[1]);
        var calls = sendcat.Model.Stats.Snapshot().ModelCalls;
        await using var locked = await LockedTable.LockAsync(sendcat.Database, table, mode);
        var posting = guest.PostChatAsync(UseChat.Body(thread, "hello", "m1"));
        await locked.WaitForAsync(step);
        var stopping = there.AbortLatestAsync(thread);
        // The abort may wait for the same table, after it has signalled.
        await Task.WhenAny(stopping, locked.WaitForAsync("abort turns of thread"));
        await locked.ReleaseAsync();
        using var stopped = await stopping;
        await using var stream = await posting;

        await stream.ReadToEndAsync();
        Assert.Equal(
            (HttpStatusCode.NoContent, "abort", calls),
            (stopped.StatusCode, stream.Types[^1], sendcat.Model.Stats.Snapshot().ModelCalls));
    }
}
