using System.Threading.Tasks.Sources;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// One reader's position in a <see cref="TurnFeed"/>. One consumer at a time may read and wait; the turn, the keep-alive ticker and
/// cancellation wake it.
/// </summary>
internal sealed class FeedReader(TurnFeed feed) : IValueTaskSource, IDisposable
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _source;
    private int _index;
    private int _offset;
    private bool _waiting;
    private bool _woken;
    private bool _pinged;
    private volatile bool _cutOff;

    /// <summary>The turn has ended. Unread events may be left.</summary>
    public bool TurnHasEnded => feed.Completed;

    /// <summary>Reads the next event if one is available.</summary>
    public FeedRead TryRead(out ChatEvent? next) => feed.TryRead(ref _index, ref _offset, out next);

    /// <summary>Completes when the reader is woken. A wake-up may be spurious: call <see cref="TryRead"/> again.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_woken)
            {
                _woken = false;
                return ValueTask.CompletedTask;
            }

            _source.Reset();
            _waiting = true;
            return new ValueTask(this, _source.Version);
        }
    }

    /// <summary>
    /// Runs the waiting reader on the caller's thread, so that a chunk gets from the provider's socket to the client's without a thread
    /// switch.
    /// </summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _woken = true;
                return;
            }

            _waiting = false;
        }

        _source.SetResult(true);
    }

    /// <summary>The reader may not read any more: its sign-in has ended.</summary>
    public bool IsCutOff => _cutOff;

    /// <summary>Ends the reading, and wakes the reader.</summary>
    public void CutOff()
    {
        _cutOff = true;
        Wake();
    }

    /// <summary>Requests a keep-alive from the reader and wakes it.</summary>
    public void Ping()
    {
        lock (_gate)
        {
            _pinged = true;
        }

        Wake();
    }

    /// <summary>True once after each <see cref="Ping"/>.</summary>
    public bool TakePing()
    {
        lock (_gate)
        {
            var wasPinged = _pinged;
            _pinged = false;
            return wasPinged;
        }
    }

    public void Dispose() => feed.Close(this);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
