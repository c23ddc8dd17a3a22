using System.Threading.Tasks.Sources;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// One reader's position in a <see cref="TurnFeed"/>. One consumer at a time may read and wait; the turn, the keep-alive ticker and
/// cancellation wake it.
/// </summary>
internal sealed class FeedReader(TurnFeed feed) : IValueTaskSource, IDisposable
{
    private readonly Lock gate = new();
    private ManualResetValueTaskSourceCore<bool> source;
    private int index;
    private int offset;
    private bool waiting;
    private bool woken;
    private bool pinged;

    /// <summary>The turn has ended. Unread events may be left.</summary>
    public bool TurnHasEnded => feed.Completed;

    /// <summary>Reads the next event if one is available.</summary>
    public FeedRead TryRead(out ChatEvent? next) => feed.TryRead(ref index, ref offset, out next);

    /// <summary>Completes when the reader is woken. A wake-up may be spurious: call <see cref="TryRead"/> again.</summary>
    public ValueTask WaitAsync()
    {
        lock (gate)
        {
            if (woken)
            {
                woken = false;
                return ValueTask.CompletedTask;
            }

            source.Reset();
            waiting = true;
            return new ValueTask(this, source.Version);
        }
    }

    /// <summary>
    /// Runs the waiting reader on the caller's thread, so that a chunk gets from the provider's socket to the client's without a thread
    /// switch.
    /// </summary>
    public void Wake()
    {
        lock (gate)
        {
            if (!waiting)
            {
                woken = true;
                return;
            }

            waiting = false;
        }

        source.SetResult(true);
    }

    /// <summary>Requests a keep-alive from the reader and wakes it.</summary>
    public void Ping()
    {
        lock (gate)
        {
            pinged = true;
        }

        Wake();
    }

    /// <summary>True once after each <see cref="Ping"/>.</summary>
    public bool TakePing()
    {
        lock (gate)
        {
            var wasPinged = pinged;
            pinged = false;
            return wasPinged;
        }
    }

    public void Dispose() => feed.Close(this);

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);
}
