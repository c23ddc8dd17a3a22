using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Outages;

/// <summary>
/// Lets repeated work log the change only: one line when it first fails, and one when it works again. Thread-safe.
/// </summary>
/// <param name="work">The work, for the log: "Publishing of tool jobs".</param>
public sealed class Outage(string work, ILogger logger, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _failing = [];
    private volatile bool _isOpen;
    private int _failures;
    private long _began;

    /// <summary>Records a failure.</summary>
    /// <param name="part">Work of several parts is in an outage from the first part that fails until no part fails.</param>
    /// <returns>True: the outage begins with this failure, and the caller logs it.</returns>
    public bool Begins(string part = "")
    {
        lock (_gate)
        {
            _failures++;
            _failing.Add(part);
            if (_isOpen)
            {
                return false;
            }

            (_isOpen, _began, _failures) = (true, time.GetTimestamp(), 1);
            return true;
        }
    }

    /// <summary>Records a success. Logs it if it ends the outage.</summary>
    public void Ends(string part = "")
    {
        if (!_isOpen)
        {
            return;
        }

        lock (_gate)
        {
            if (!_isOpen)
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
