namespace Sendcat.ApiService.Providers;

/// <summary>
/// Cancels one attempt when its provider is silent for too long: until the headers, between bytes, or over the whole call. One timer for the life of the attempt;
/// a byte costs a timestamp, not a timer.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    /// <summary>Comments keep a call alive this many idle times beyond its last data; a provider that only ever says "processing" has stalled.</summary>
    private const int CommentLives = 4;

    /// <summary>
    /// What may still come after a finish reason (usage, <c>[DONE]</c>) is not waited for any longer than this. A provider that sends more content behind its finish reason takes that back: from then on
    /// the idle time counts again, from its last content.
    /// </summary>
    private static readonly TimeSpan Tail = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cancel;
    private readonly ITimer _timer;
    private readonly long _total;
    private long _deadline;
    private long _idle;
    private long _lastData;
    private bool _tail;

    /// <param name="headersWithin">Time until the headers.</param>
    /// <param name="totalBy">Timestamp at which the whole call must have ended.</param>
    public StallWatch(TimeProvider time, TimeSpan headersWithin, long totalBy, CancellationToken caller)
    {
        _time = time;
        _total = totalBy;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(caller);
        _deadline = Math.Min(time.GetTimestamp() + Ticks(headersWithin), _total);
        _timer = time.CreateTimer(static watch => ((StallWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(time.GetTimestamp());
    }

    /// <summary>Cancelled by the caller or by the watch.</summary>
    public CancellationToken Token => _cancel.Token;

    /// <summary>It was the watch.</summary>
    public bool Expired { get; private set; }

    /// <summary>Headers are here: from now on <paramref name="idle"/> counts, from byte to byte.</summary>
    public void Streaming(TimeSpan idle)
    {
        _idle = Ticks(idle);
        Data();
        Arm(_time.GetTimestamp());
    }

    /// <summary>Something meaningful came, and more is to come.</summary>
    public void Data()
    {
        _tail = false;
        _lastData = _time.GetTimestamp();
        Volatile.Write(ref _deadline, Math.Min(_lastData + _idle, _total));
    }

    /// <summary>A comment or blank line came: life, for a while.</summary>
    public void Comment()
    {
        var deadline = Math.Min(_time.GetTimestamp() + _idle, _lastData + (CommentLives * _idle));
        if (!_tail)
        {
            Volatile.Write(ref _deadline, Math.Max(Volatile.Read(ref _deadline), Math.Min(deadline, _total)));
        }
    }

    /// <summary>The answer is complete but for its tail.</summary>
    public void Finishing()
    {
        if (!_tail)
        {
            _tail = true;
            _lastData = _time.GetTimestamp();
            Volatile.Write(ref _deadline, Math.Min(_lastData + Ticks(Tail), _total));
            Arm(_lastData);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _cancel.Dispose();
    }

    private void Look()
    {
        var now = _time.GetTimestamp();
        if (now < Volatile.Read(ref _deadline))
        {
            Arm(now);
            return;
        }

        Expired = true;
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended while the timer was firing.
        }
    }

    private void Arm(long now)
    {
        var left = Math.Max(Volatile.Read(ref _deadline) - now, 0);
        _timer.Change(TimeSpan.FromSeconds((double)left / _time.TimestampFrequency) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
