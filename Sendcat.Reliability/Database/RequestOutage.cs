using Npgsql;
using Sendcat.Reliability.Outages;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The outage of Postgres that requests share. After three failures without a success between them a probe tests Postgres, a statement of
/// its own: the requests may have failed for another reason, for instance because they waited for a lock. When the probe fails too, the
/// outage is known, and requests are refused at once, except one at a time that runs the next probe. Any response of Postgres ends the
/// outage. Thread-safe.
/// </summary>
/// <param name="postgres">The log of the outage.</param>
/// <param name="probe">Runs a statement that needs no lock. It fails after the given time at the latest.</param>
/// <param name="time">The clock.</param>
public sealed class RequestOutage(StoreOutage postgres, Func<TimeSpan, Task> probe, TimeProvider time)
{
    /// <summary>Failures in a row that cause a probe.</summary>
    private const int MaxFailures = 3;

    /// <summary>Requests that were refused just before the outage ended report it just after: that is no failure of Postgres.</summary>
    private static readonly TimeSpan LateReports = TimeSpan.FromSeconds(1);

    /// <summary>The longest time of a probe: a new connection and a statement.</summary>
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(2);

    private readonly Lock _state = new();
    private volatile int _failures;
    private bool _isKnown;
    private bool _isProbing;
    private long? _recovered;

    /// <summary>Whether requests are refused, because a probe failed too.</summary>
    public bool IsKnown
    {
        get
        {
            lock (_state)
            {
                return _isKnown;
            }
        }
    }

    /// <inheritdoc cref="StoreOutage.Records"/>
    public bool Records(Exception failure)
    {
        if (!postgres.Records("requests", failure))
        {
            return false;
        }

        lock (_state)
        {
            if (_recovered is not { } at || time.GetElapsedTime(at) > LateReports)
            {
                _failures = Math.Min(_failures + 1, MaxFailures);
            }
        }

        return true;
    }

    /// <summary>Records that Postgres responded to a request, also with an error.</summary>
    public void Ends()
    {
        if (_failures > 0)
        {
            lock (_state)
            {
                _recovered = _isKnown ? time.GetTimestamp() : _recovered;
                (_failures, _isKnown) = (0, false);
            }
        }

        postgres.Works();
    }

    /// <summary>Opens a connection with <paramref name="open"/>, after a probe if this request runs one.</summary>
    /// <param name="timeout">The time of the request for the probe and the connection.</param>
    /// <param name="open">Opens the connection within the given time.</param>
    /// <exception cref="NpgsqlException">The request is refused, or there was no connection.</exception>
    public async Task<TConnection> OpenAsync<TConnection>(TimeSpan timeout, Func<TimeSpan, Task<TConnection>> open)
    {
        if (!RunsProbe())
        {
            return await open(timeout);
        }

        var began = time.GetTimestamp();
        await ProbeAsync(timeout < LongestProbe ? timeout : LongestProbe);
        var remaining = timeout - time.GetElapsedTime(began);
        return await open(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero);
    }

    private async Task ProbeAsync(TimeSpan timeout)
    {
        try
        {
            await probe(timeout);
            Ends();
        }
        catch (Exception response) when (PostgresFailure.IsResponse(response))
        {
            Ends();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            lock (_state)
            {
                // Another request may have got a response meanwhile.
                _isKnown = _failures == MaxFailures;
            }

            throw;
        }
        finally
        {
            lock (_state)
            {
                _isProbing = false;
            }
        }
    }

    /// <returns>True: the caller runs the probe.</returns>
    private bool RunsProbe()
    {
        if (_failures < MaxFailures)
        {
            return false;
        }

        lock (_state)
        {
            if (_failures < MaxFailures || (_isProbing && !_isKnown))
            {
                return false;
            }

            if (_isProbing)
            {
                throw new NpgsqlException("Postgres does not respond, and another request tests it", new TimeoutException());
            }

            return _isProbing = true;
        }
    }
}
