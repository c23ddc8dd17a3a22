using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Outages;

/// <summary>
/// The outage of a store, shared by all work of the process that uses the store: one line in the log when the store goes, and one when it
/// is back. Thread-safe.
/// </summary>
/// <param name="store">The store, for the log: "Postgres".</param>
/// <param name="isUnavailable">Whether an exception of the store's client means that the store is unavailable or too slow.</param>
public sealed class StoreOutage(string store, Func<Exception, bool> isUnavailable, ILogger logger, TimeProvider time)
{
    /// <summary>
    /// The time without a failure after which a store that worked is back. When it comes back, the last failures of the outage are reported
    /// among the first successes. An operation of unknown beginning is assumed to take this time.
    /// </summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private volatile bool _isOpen;
    private int _failures;
    private long _began;
    private ITimer? _end;

    /// <summary>Number of the success whose <see cref="_end"/> is awaited.</summary>
    private int _success;

    /// <summary>When the end of the last outage was logged; null before the first one.</summary>
    private long? _returned;

    /// <summary>
    /// Records the failure of an operation, if it means that the store is unavailable. An operation that began before the store was back
    /// and fails later belongs to the outage that has ended, and begins no other.
    /// </summary>
    /// <param name="work">What failed, for the log: "Turn journal".</param>
    /// <param name="began">A timestamp from before the operation; null: it began <see cref="Settled"/> ago or later.</param>
    /// <returns>True: the log has the outage. False: the failure has another cause, and the caller logs it.</returns>
    public bool Records(string work, Exception failure, long? began = null)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (isUnavailable(cause))
            {
                var settledAgo = time.GetTimestamp() - (long)(Settled.TotalSeconds * time.TimestampFrequency);
                Fails(work, cause.Message, Math.Min(began ?? settledAgo, settledAgo));
                return true;
            }
        }

        return false;
    }

    /// <summary>Records that the store is unavailable now. Logs it if it was available before.</summary>
    public void Fails(string work, string error) => Fails(work, error, time.GetTimestamp());

    private void Fails(string work, string error, long began)
    {
        lock (_gate)
        {
            if (!_isOpen && began < _returned)
            {
                return;
            }

            _failures++;
            _end?.Dispose();
            _end = null;
            if (_isOpen)
            {
                return;
            }

            (_isOpen, _began, _failures) = (true, time.GetTimestamp(), 1);
        }

        logger.StoreUnavailable(store, work, error);
    }

    /// <summary>Records that the store works. An outage ends <see cref="Settled"/> later, unless the store fails before.</summary>
    public void Works()
    {
        if (!_isOpen)
        {
            return;
        }

        lock (_gate)
        {
            if (_isOpen && _end is null)
            {
                var (success, outageMs) = (++_success, (int)time.GetElapsedTime(_began).TotalMilliseconds);
                _end = time.CreateTimer(_ => End(success, outageMs), null, Settled, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void End(int success, int outageMs)
    {
        int failures;
        lock (_gate)
        {
            // A timer that was disposed may fire late, after another failure, and even after the next success.
            if (_end is null || success != _success)
            {
                return;
            }

            _end.Dispose();
            (_end, _isOpen, failures, _returned) = (null, false, _failures, time.GetTimestamp());
        }

        logger.WorksAgain(store, outageMs, failures);
    }
}
