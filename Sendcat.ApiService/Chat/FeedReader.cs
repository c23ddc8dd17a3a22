using System.Threading.Tasks.Sources;

namespace Sendcat.ApiService.Chat;

/// <summary>One reader's place in a <see cref="TurnFeed"/>. Used by one consumer at a time; woken by the turn, by the keep-alive ticker, and by cancellation.</summary>
internal sealed class FeedReader(TurnFeed feed) : IValueTaskSource, IDisposable
{
    private readonly Lock gate = new();
    private ManualResetValueTaskSourceCore<bool> source;
    private int index;
    private int offset;
    private bool waiting;
    private bool woken;
    private bool pinged;

    /// <summary>The turn is over; what is left is to be read.</summary>
    public bool TurnIsOver => feed.Completed;

    /// <summary>The next event, if there is one already.</summary>
    public FeedRead TryRead(out ChatEvent? next) => feed.TryRead(ref index, ref offset, out next);

    /// <summary>Completes when something may have changed: read again.</summary>
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

    /// <summary>Runs the waiting reader on the caller's thread: a chunk goes from the provider's socket to the client's without a hop.</summary>
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

    /// <summary>Asks the reader to show a sign of life.</summary>
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
            var asked = pinged;
            pinged = false;
            return asked;
        }
    }

    public void Dispose() => feed.Close(this);

    void IValueTaskSource.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);
}
