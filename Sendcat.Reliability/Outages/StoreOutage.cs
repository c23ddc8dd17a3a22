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
    /// among the first successes.
    /// </summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private volatile bool _isOpen;
    private int _failures;
    private long _began;
    private ITimer? _end;

    /// <summary>Records a failure, if it means that the store is unavailable.</summary>
    /// <param name="work">What failed, for the log: "Turn journal".</param>
    /// <returns>True: the log has the outage. False: the failure has another cause, and the caller logs it.</returns>
    public bool Records(string work, Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (isUnavailable(cause))
            {
                Fails(work, cause.Message);
                return true;
            }
        }

        return false;
    }

    /// <summary>Records that the store is unavailable. Logs it if it was available before.</summary>
    public void Fails(string work, string error)
    {
        lock (_gate)
        {
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
                var outageMs = (int)time.GetElapsedTime(_began).TotalMilliseconds;
                _end = time.CreateTimer(_ => End(outageMs), null, Settled, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void End(int outageMs)
    {
        int failures;
        lock (_gate)
        {
            if (_end is null)
            {
                return;
            }

            _end.Dispose();
            (_end, _isOpen, failures) = (null, false, _failures);
        }

        logger.WorksAgain(store, outageMs, failures);
    }
}
