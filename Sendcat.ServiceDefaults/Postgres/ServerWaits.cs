using System.Globalization;
using Npgsql;

namespace Sendcat.ServiceDefaults.Postgres;

/// <summary>Limits for waiting for an unresponsive Postgres. The connection string overrides each of them.</summary>
public static class ServerWaits
{
    // Less than the 15 s of the client: a frozen server accepts connections but never completes them.
    private const int ConnectTimeoutSeconds = 5;

    // Below 1: the end of the wait for a lock arrives before the client's deadline, as a response of a server that works.
    private const double LockShareOfStatement = 0.8;

    /// <param name="statementTimeout">Time after which the server ends a statement by itself; null: the server's own setting.</param>
    public static NpgsqlDataSourceBuilder LimitWaits(this NpgsqlDataSourceBuilder source, TimeSpan? statementTimeout)
    {
        var settings = source.ConnectionStringBuilder;

        // ContainsKey is true for every known keyword; ShouldSerialize only for those in the connection string.
        if (!settings.ShouldSerialize("Timeout"))
        {
            settings.Timeout = statementTimeout is { } bound ? (int)Math.Ceiling(bound.TotalSeconds) : ConnectTimeoutSeconds;
        }

        if (statementTimeout is { } timeout && !settings.ShouldSerialize("Options"))
        {
            settings.Options = string.Create(
                CultureInfo.InvariantCulture,
                $"-c statement_timeout={timeout.TotalMilliseconds:0} -c lock_timeout={timeout.TotalMilliseconds * LockShareOfStatement:0}");
        }

        return source;
    }
}
