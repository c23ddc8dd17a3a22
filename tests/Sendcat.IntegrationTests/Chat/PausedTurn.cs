namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// A turn that the <see cref="PausingProvider"/> pauses, with three readers: on the first replica, which runs it; on the second replica
/// from the beginning; and on the second replica from the middle of the pause.
/// </summary>
internal sealed class PausedTurn : IAsyncDisposable
{
    private readonly SendcatClient _there;
    private readonly string _thread;
    private readonly List<ChatStream> _readers;

    private PausedTurn(SendcatClient there, string thread, List<ChatStream> readers) =>
        (_there, _thread, _readers) = (there, thread, readers);

    /// <summary>Starts a turn and the first two readers, and reads up to the pause.</summary>
    /// <param name="maxWait">How long each reader may read.</param>
    public static async Task<PausedTurn> StartAsync(SendcatSystem sendcat, TimeSpan maxWait)
    {
        using var guest = await sendcat.GuestAsync();
        var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("count");
        var local = await guest.ChatAsync(thread, maxWait: maxWait);
        await local.ReadUntilAsync("content");
        var remote = await there.ResumeAsync(thread, maxWait);
        foreach (var reader in (ChatStream[])[local, remote])
        {
            while (reader.Text != PausingProvider.Beginning)
            {
                await reader.ReadUntilAsync("content");
            }
        }

        return new(there, thread, [local, remote]);
    }

    /// <summary>Starts the third reader.</summary>
    public async Task JoinAsync(TimeSpan maxWait) => _readers.Add(await _there.ResumeAsync(_thread, maxWait));

    /// <summary>Reads to the end.</summary>
    /// <returns>The text of each reader and the type of its last event.</returns>
    public async Task<IReadOnlyList<string>> ReadToEndAsync()
    {
        await Task.WhenAll(_readers.Select(reader => reader.ReadToEndAsync()));
        return [.. _readers.Select(reader => $"{reader.Text}{(reader.Types.Count > 0 ? reader.Types[^1] : reader.Status)}")];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _readers)
        {
            await reader.DisposeAsync();
        }

        _there.Dispose();
    }
}
