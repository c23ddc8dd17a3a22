namespace Sendcat.Reliability.Outages;

/// <summary>
/// Logs what may happen many times a second as one line per minute and cause: the first occurrence starts the minute, and at its end, or
/// when the host stops, each cause that occurred has one line. Thread-safe.
/// </summary>
/// <typeparam name="TCause">A value of a small closed set.</typeparam>
public sealed class MinuteLog<TCause> : IDisposable
    where TCause : notnull
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Action<TCause, int, string> _log;
    private readonly ITimer _end;
    private Dictionary<TCause, (int Number, string Example)> _counts = [];

    /// <param name="log">Writes a line from the cause, the number of occurrences, and the example that the first of them gave.</param>
    public MinuteLog(TimeProvider time, Action<TCause, int, string> log)
    {
        _log = log;

        // Created here, so that it does not keep the trace of the request whose failure starts a minute.
        _end = time.CreateTimer(
            static state => ((MinuteLog<TCause>)state!).Flush(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(TCause cause, string example)
    {
        lock (_gate)
        {
            if (_counts.Count == 0)
            {
                _end.Change(Minute, Timeout.InfiniteTimeSpan);
            }

            _counts[cause] = _counts.TryGetValue(cause, out var seen) ? (seen.Number + 1, seen.Example) : (1, example);
        }
    }

    public void Dispose()
    {
        _end.Dispose();
        Flush();
    }

    private void Flush()
    {
        Dictionary<TCause, (int Number, string Example)> counts;
        lock (_gate)
        {
            (counts, _counts) = (_counts, []);
        }

        foreach (var (cause, (number, example)) in counts)
        {
            _log(cause, number, example);
        }
    }
}
