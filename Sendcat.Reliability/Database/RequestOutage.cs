using Npgsql;
using Sendcat.Reliability.Outages;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The outage of Postgres that requests share. After three failures without a success between them it is known: then one request at a time
/// tests whether Postgres responds, and all others are refused at once. A success ends that. Thread-safe.
/// </summary>
public sealed class RequestOutage(StoreOutage postgres, TimeProvider time)
{
    /// <summary>Failures in a row that make the outage known.</summary>
    private const int MaxFailures = 3;

    /// <summary>Requests that were refused just before the outage ended report it just after: that is no failure of Postgres.</summary>
    private static readonly TimeSpan LateReports = TimeSpan.FromSeconds(1);

    /// <summary>The longest time that one request keeps the others from testing Postgres. A migration has a longer timeout.</summary>
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(5);

    private readonly Lock _state = new();
    private volatile int _failures;
    private long _probeStarted;
    private TimeSpan? _probeTimeout;
    private long? _recovered;

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

    /// <summary>Records that Postgres responded to a request.</summary>
    public void Ends()
    {
        if (_failures > 0)
        {
            lock (_state)
            {
                _recovered = _failures == MaxFailures ? time.GetTimestamp() : _recovered;
                (_failures, _probeTimeout) = (0, null);
            }
        }

        postgres.Works();
    }

    /// <summary>Opens a connection with <paramref name="open"/>, unless the outage is known and another request tests Postgres.</summary>
    /// <param name="timeout">The longest time that the request may use the connection; then another one may test.</param>
    /// <param name="open">Opens the connection.</param>
    /// <exception cref="NpgsqlException">The request is refused, or there was no connection.</exception>
    public async Task<TConnection> OpenAsync<TConnection>(TimeSpan timeout, Func<Task<TConnection>> open)
    {
        var isProbe = Enter(timeout);
        try
        {
            return await open();
        }
        catch when (isProbe)
        {
            lock (_state)
            {
                _probeTimeout = null;
            }

            throw;
        }
    }

    /// <returns>True: the caller tests Postgres.</returns>
    private bool Enter(TimeSpan timeout)
    {
        if (_failures < MaxFailures)
        {
            return false;
        }

        lock (_state)
        {
            if (_failures < MaxFailures)
            {
                return false;
            }

            if (_probeTimeout is { } limit && time.GetElapsedTime(_probeStarted) < limit)
            {
                throw new NpgsqlException("Postgres does not respond, and another request tests it", new TimeoutException());
            }

            (_probeStarted, _probeTimeout) = (time.GetTimestamp(), timeout < LongestProbe ? timeout : LongestProbe);
            return true;
        }
    }
}
