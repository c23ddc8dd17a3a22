using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// The local copy of a remote turn's feed, shared by all its readers on this replica. Disposing it ends the task that fills it.
/// </summary>
internal sealed class RemoteFeed(Guid streamId, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _disposed = new();
    private readonly AutoResetSignal _notified = new(time);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _firstEvent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _position;

    public Guid StreamId => streamId;

    public TurnFeed Feed { get; } = new();

    /// <summary>Completes with the first event, or with the error that takes its place.</summary>
    public Task FirstEvent => _firstEvent.Task;

    public CancellationToken Disposed => _disposed.Token;

    /// <summary>Completes when nothing more is copied.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Guarded by the lock of <see cref="RemoteTurn"/>.</summary>
    public int Readers { get; set; }

    /// <summary>Adds what is new in an entry of the mirror. A mirror of a new epoch repeats what is known already.</summary>
    /// <returns>False if events before this entry are missing; nothing was added.</returns>
    public bool TryAdd(MirrorEntry entry)
    {
        if (entry.Position > _position)
        {
            return false;
        }

        if (entry.End > _position)
        {
            var known = (int)(_position - entry.Position);
            _position = entry.End;
            Feed.Add(known == 0 ? entry.Event : entry.Event.WithDeltaText(entry.Event.DeltaText![known..]));
            _firstEvent.TrySetResult();
        }

        return true;
    }

    /// <summary>Adds an error that is not in the mirror as the last event.</summary>
    public void Fail(ChatEvent.Error error)
    {
        Feed.Add(error);
        _firstEvent.TrySetResult();
    }

    public void Complete()
    {
        Feed.Complete();
        _ended.TrySetResult();
    }

    public void Notify() => _notified.Set();

    /// <summary>Completes on a notification, on dispose, and after the timeout.</summary>
    public async Task WaitAsync(TimeSpan maxWait)
    {
        try
        {
            await _notified.WaitAsync(maxWait, _disposed.Token);
        }
        catch (OperationCanceledException)
        {
            // The caller finds that the feed is disposed.
        }
    }

    public void Dispose() => _disposed.Cancel();
}
