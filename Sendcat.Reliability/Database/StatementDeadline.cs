using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Npgsql;
using Npgsql.Internal;

namespace Sendcat.Reliability.Database;

/// <summary>
/// Closes the socket of a connection whose statement has got no response in time. The statement then fails at once with an
/// <see cref="NpgsqlException"/>, and the pool discards the connection.
/// </summary>
/// <remarks>
/// The client's own command timeout, and the cancellation of a token, first send a cancel request over a new connection and wait for its
/// end with a blocking read. A frozen server accepts that connection and never responds: every waiting statement would block a thread of
/// the pool until the connect timeout. A statement under a deadline therefore gets no token (docs/decisions/0017).
/// </remarks>
public sealed class StatementDeadline : IDisposable
{
    private readonly Lock _gate = new();
    private readonly NpgsqlConnection _connection;
    private readonly ITimer _timer;
    private bool _ended;

    private StatementDeadline(NpgsqlConnection connection, TimeSpan timeout, TimeProvider time)
    {
        _connection = connection;
        _timer = time.CreateTimer(static deadline => ((StatementDeadline)deadline!).CloseSocket(), this, timeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>True: the time was over before <see cref="Dispose"/>, and the connection is closed.</summary>
    public bool Passed { get; private set; }

    /// <summary>Starts the deadline. Dispose it before the connection returns to its pool.</summary>
    /// <param name="connection">An open connection.</param>
    public static StatementDeadline Start(NpgsqlConnection connection, TimeSpan timeout, TimeProvider time) =>
        new(connection, timeout, time);

    /// <summary>
    /// Opens the connection. The wait for a free connection of the pool ends at the timeout. A new connection to a server that does not
    /// respond ends at the connect timeout of the connection string: the client does not observe a token there.
    /// </summary>
    /// <exception cref="NpgsqlException">Postgres is unavailable, or there was no connection in time.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task OpenAsync(
        NpgsqlConnection connection, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        using var expired = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(expired.Token, cancellationToken);
        try
        {
            await connection.OpenAsync(linked.Token);
        }
        catch (OperationCanceledException) when (expired.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw NoResponse(timeout);
        }
    }

    /// <summary>The failure of a statement without a response in time. It counts as transient.</summary>
    public static NpgsqlException NoResponse(TimeSpan timeout, Exception? inner = null)
    {
        var message = $"No response of Postgres within {timeout.TotalMilliseconds:0} ms";
        return new(message, new TimeoutException(message, inner));
    }

    /// <summary>
    /// Ends the deadline. If it has passed while no statement was executing, the client has not noticed the closed socket: the connection
    /// is broken here, so that it does not return to the pool.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (Passed && !_ended)
            {
                Break(_connection);
            }

            _ended = true;
        }

        _timer.Dispose();
    }

    private void CloseSocket()
    {
        // Under the lock: after Dispose the connection may belong to another statement.
        lock (_gate)
        {
            Passed = !_ended && TryCloseSocketOf(_connection);
        }
    }

// The client has no public way to break a connection. StatementDeadlineTests fails when these members change.
#pragma warning disable NPG9001
    private static bool TryCloseSocketOf(NpgsqlConnection connection)
    {
        if (ConnectorOf(connection) is not { } connector)
        {
            return false;
        }

        SocketOf(connector).Dispose();
        return true;
    }

    private static void Break(NpgsqlConnection connection)
    {
        if (ConnectorOf(connection) is { } connector)
        {
            BreakOf(connector, new NpgsqlException("The deadline of the connection has passed"), markHostAsOffline: false);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Break")]
    private static extern Exception BreakOf(NpgsqlConnector connector, Exception reason, bool markHostAsOffline);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Connector")]
    private static extern NpgsqlConnector? ConnectorOf(NpgsqlConnection connection);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_socket")]
    private static extern ref Socket SocketOf(NpgsqlConnector connector);
#pragma warning restore NPG9001
}
