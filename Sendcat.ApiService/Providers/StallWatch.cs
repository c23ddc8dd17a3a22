namespace Sendcat.ApiService.Providers;

/// <summary>
/// Cancels one attempt when a timeout elapses: until the headers, from the headers to the first token, between bytes after it (idle
/// timeout), or over the whole call. One timer serves the whole attempt; a received byte only updates a timestamp.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    /// <summary>
    /// SSE comments extend the deadline up to this many timeouts after the last data, or after the headers. After that, a provider that
    /// sends only comments ("processing") counts as stalled.
    /// </summary>
    private const int MaxCommentIntervals = 4;

    /// <summary>
    /// Maximum time to wait after a finish reason for the rest of the stream (usage, <c>[DONE]</c>). If the provider sends more content
    /// after the finish reason, the idle timeout applies again, from the last content.
    /// </summary>
    private static readonly TimeSpan TailTimeout = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cancel;
    private readonly ITimer _timer;
    private readonly long _total;
    private long _deadline;
    private long _silence;
    private long _idle;
    private long _lastData;
    private bool _tail;

    /// <param name="headersTimeout">Maximum time until the response headers arrive.</param>
    /// <param name="totalBy">Timestamp of <paramref name="time"/> at which the whole call times out.</param>
    public StallWatch(TimeProvider time, TimeSpan headersTimeout, long totalBy, CancellationToken caller)
    {
        _time = time;
        _total = totalBy;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(caller);
        _deadline = Math.Min(time.GetTimestamp() + Ticks(headersTimeout), _total);
        _timer = time.CreateTimer(
            static watch => ((StallWatch)watch!).CheckDeadline(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(time.GetTimestamp());
    }

    /// <summary>Cancelled by the caller or by a timeout.</summary>
    public CancellationToken Token => _cancel.Token;

    /// <summary>True when a timeout cancelled the attempt.</summary>
    public bool Expired { get; private set; }

    /// <summary>
    /// The headers have arrived: <paramref name="firstToken"/> is the maximum time until the first token, and <paramref name="idle"/> the
    /// maximum time between two bytes after it.
    /// </summary>
    public void OnHeaders(TimeSpan firstToken, TimeSpan idle)
    {
        (_silence, _idle) = (Ticks(firstToken), Ticks(idle));
        OnData();
        Arm(_time.GetTimestamp());
    }

    /// <summary>The answer has begun: from the next byte on the idle timeout applies.</summary>
    public void OnToken()
    {
        if (_silence != _idle)
        {
            _silence = _idle;
            OnData();
            Arm(_lastData);
        }
    }

    /// <summary>Data has arrived, and the response continues: restarts the timeout.</summary>
    public void OnData()
    {
        _tail = false;
        _lastData = _time.GetTimestamp();
        Volatile.Write(ref _deadline, Math.Min(_lastData + _silence, _total));
    }

    /// <summary>
    /// A comment or blank line has arrived: extends the deadline, up to <see cref="MaxCommentIntervals"/> idle timeouts after the last
    /// data.
    /// </summary>
    public void OnComment()
    {
        var deadline = Math.Min(_time.GetTimestamp() + _silence, _lastData + (MaxCommentIntervals * _silence));
        if (!_tail)
        {
            Volatile.Write(ref _deadline, Math.Max(Volatile.Read(ref _deadline), Math.Min(deadline, _total)));
        }
    }

    /// <summary>A finish reason has arrived: only the end of the stream is still missing.</summary>
    public void OnFinishReason()
    {
        if (!_tail)
        {
            _tail = true;
            _lastData = _time.GetTimestamp();
            Volatile.Write(ref _deadline, Math.Min(_lastData + Ticks(TailTimeout), _total));
            Arm(_lastData);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _cancel.Dispose();
    }

    private void CheckDeadline()
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
        _timer.Change(
            TimeSpan.FromSeconds((double)left / _time.TimestampFrequency) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
