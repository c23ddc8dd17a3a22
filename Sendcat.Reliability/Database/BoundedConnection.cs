using System.Data;
using Npgsql;

namespace Sendcat.Reliability.Database;

/// <summary>
/// A connection that may be used for a limited time, counted from the request for it: when the time is over, its statement fails, also
/// while the server is frozen. Its statements get no cancellation token, see <see cref="StatementDeadline"/>.
/// </summary>
public sealed class BoundedConnection : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly StatementDeadline _deadline;
    private readonly RequestOutage? _outage;

    private BoundedConnection(NpgsqlConnection connection, StatementDeadline deadline, RequestOutage? outage) =>
        (_connection, _deadline, _outage) = (connection, deadline, outage);

    /// <param name="timeout">The time for the connection and for all its statements together.</param>
    /// <param name="cancellationToken">Ends the wait for the connection.</param>
    /// <param name="outage">Ends when the connection was used and is not broken.</param>
    /// <exception cref="NpgsqlException">Postgres is unavailable, or there was no connection before the timeout.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static Task<BoundedConnection> OpenAsync(
        NpgsqlDataSource database, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken,
        RequestOutage? outage = null) =>
        OpenAsync(database.CreateConnection(), timeout, time, cancellationToken, outage);

    /// <summary>The same for a connection that is not open. It belongs to the result from now on.</summary>
    /// <inheritdoc cref="OpenAsync(NpgsqlDataSource, TimeSpan, TimeProvider, CancellationToken, RequestOutage?)"/>
    internal static async Task<BoundedConnection> OpenAsync(
        NpgsqlConnection connection, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken, RequestOutage? outage = null)
    {
        var started = time.GetTimestamp();
        var opening = StatementDeadline.OpenAsync(connection, timeout, time, cancellationToken);
        try
        {
            await opening.WaitAsync(timeout, time, cancellationToken);
            var remaining = timeout - time.GetElapsedTime(started);
            return new(
                connection, StatementDeadline.Start(connection, remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero, time), outage);
        }
        catch (Exception failure)
        {
            // An attempt at a server that does not respond continues until its connect timeout, and then frees its slot of the pool.
            _ = opening.ContinueWith(
                static (attempt, state) =>
                {
                    _ = attempt.Exception;
                    return ((NpgsqlConnection)state!).DisposeAsync().AsTask();
                },
                connection,
                CancellationToken.None,
                TaskContinuationOptions.None,
                TaskScheduler.Default);
            if (failure is TimeoutException)
            {
                throw StatementDeadline.NoResponse(timeout, failure);
            }

            throw;
        }
    }

    public NpgsqlCommand CreateCommand(string sql) => new(sql, _connection);

    public NpgsqlBatch CreateBatch() => new(_connection);

    public ValueTask<NpgsqlTransaction> BeginTransactionAsync() => _connection.BeginTransactionAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _deadline.Dispose();
        if (_connection.State is ConnectionState.Open)
        {
            _outage?.Ends();
        }

        await _connection.DisposeAsync();
    }
}
