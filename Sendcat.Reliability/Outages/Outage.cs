using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Outages;

/// <summary>
/// Lets work that is repeated while a store is unavailable log the change only: one line when it first fails, and one when it works again.
/// Thread-safe.
/// </summary>
/// <param name="work">The work, for the log: "Publishing of tool jobs".</param>
/// <param name="settled">
/// How long there must be no failure before a success ends the outage. For work of concurrent requests, whose failures and successes are
/// mixed when the store comes back. Null: a success ends it at once.
/// </param>
public class Outage(string work, ILogger logger, TimeProvider time, TimeSpan? settled = null)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _failing = [];
    private volatile bool _isOpen;
    private int _failures;
    private long _began;
    private long _failedLast;

    /// <summary>Records a failure.</summary>
    /// <param name="part">Work of several parts is in an outage from the first part that fails until no part fails.</param>
    /// <returns>True: the outage begins with this failure, and the caller logs it.</returns>
    public virtual bool Begins(string part = "")
    {
        lock (_gate)
        {
            _failedLast = time.GetTimestamp();
            _failures++;
            _failing.Add(part);
            if (_isOpen)
            {
                return false;
            }

            (_isOpen, _began, _failures) = (true, _failedLast, 1);
            return true;
        }
    }

    /// <summary>Records a success. Logs it if it ends the outage.</summary>
    public virtual void Ends(string part = "")
    {
        if (!_isOpen)
        {
            return;
        }

        lock (_gate)
        {
            if (!_isOpen || time.GetElapsedTime(_failedLast) < settled)
            {
                return;
            }

            _failing.Remove(part);
            if (_failing.Count > 0)
            {
                return;
            }

            _isOpen = false;
            logger.WorksAgain(work, (int)time.GetElapsedTime(_began).TotalMilliseconds, _failures);
        }
    }
}
