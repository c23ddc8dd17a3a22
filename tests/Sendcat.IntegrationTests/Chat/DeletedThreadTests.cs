using System.Net;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Threads that are deleted on one replica while a turn of theirs runs on another one.</summary>
public sealed class DeletedThreadTests(SharedStores stores)
{
    [Theory]
    [InlineData("content", "")]
    [InlineData("text-delta", "?stream=ui")]
    public async Task The_stream_ends_with_an_error_code_of_its_own_in_both_dialects(string delta, string query)
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=4000 every=25ms]]");
        await using var stream = await guest.ChatAsync(thread, query: query);
        await stream.ReadUntilAsync(delta);

        Assert.Equal("thread_deleted", await CodeAfterDeletionAsync(sendcat, guest, thread, stream));
    }

    [Fact]
    public async Task The_stream_of_a_silent_turn_ends_too()
    {
        await using var provider = await PausingProvider.StartAsync(commentInterval: null);
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, provider.Knobs);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("count");
        await using var stream = await guest.ChatAsync(thread);
        while (stream.Text != PausingProvider.Beginning)
        {
            await stream.ReadUntilAsync("content");
        }

        Assert.Equal("thread_deleted", await CodeAfterDeletionAsync(sendcat, guest, thread, stream));
    }

    /// <summary>Deletes the thread on the other replica and reads the stream to its end.</summary>
    /// <returns>The code of the last error.</returns>
    private static async Task<string?> CodeAfterDeletionAsync(SendcatSystem sendcat, SendcatClient guest, string thread, ChatStream stream)
    {
        using var there = guest.At(sendcat.Replicas[1]);
        using var deleted = await there.Http.DeleteAsync($"/api/threads/{thread}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var events = await stream.ReadToEndAsync();
        return events.Select(e => e.TryGetProperty("data", out var data) ? data : e)
            .Where(e => e.TryGetProperty("code", out _))
            .Select(e => e.GetProperty("code").GetString())
            .LastOrDefault();
    }
}
