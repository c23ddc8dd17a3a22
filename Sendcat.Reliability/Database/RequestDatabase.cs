using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Outages;

namespace Sendcat.Reliability.Database;

/// <summary>
/// Postgres for requests. A request gets a connection with a deadline (<see cref="PostgresOptions"/>) and is refused with 503 when the
/// deadline passes, or at once while an outage of Postgres is known (<see cref="RequestOutage"/>). Background work, which may wait, uses
/// <see cref="NpgsqlDataSource"/>.
/// </summary>
public sealed class RequestDatabase(
    NpgsqlDataSource database, IOptionsMonitor<PostgresOptions> options, TimeProvider time, StoreOutages outages)
{
    /// <summary>Requests that fail for Postgres report it here.</summary>
    public RequestOutage Outage { get; } = new(outages.Postgres, timeout => ProbeAsync(database, timeout, time), time);

    /// <summary><c>POSTGRES_GATE_TIMEOUT_MS</c>.</summary>
    public TimeSpan TurnTimeout => TimeSpan.FromMilliseconds(options.CurrentValue.GateTimeoutMs);

    /// <summary>Opens a connection for <c>POSTGRES_STATEMENT_TIMEOUT_MS</c>.</summary>
    /// <inheritdoc cref="BoundedConnection.OpenAsync(NpgsqlDataSource, TimeSpan, TimeProvider, CancellationToken, RequestOutage?)"/>
    public Task<BoundedConnection> OpenAsync(CancellationToken cancellationToken) =>
        OpenAsync(TimeSpan.FromMilliseconds(options.CurrentValue.StatementTimeoutMs), cancellationToken);

    /// <summary>Opens a connection for <c>POSTGRES_GATE_TIMEOUT_MS</c>, for a request on its way to a turn.</summary>
    /// <inheritdoc cref="BoundedConnection.OpenAsync(NpgsqlDataSource, TimeSpan, TimeProvider, CancellationToken, RequestOutage?)"/>
    public Task<BoundedConnection> OpenForTurnAsync(CancellationToken cancellationToken) => OpenAsync(TurnTimeout, cancellationToken);

    private Task<BoundedConnection> OpenAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        Outage.OpenAsync(timeout, remaining => BoundedConnection.OpenAsync(database, remaining, time, cancellationToken, Outage));

    /// <summary>Tests whether Postgres responds, on a connection of its own: all those of the pool may wait for a lock.</summary>
    private static async Task ProbeAsync(NpgsqlDataSource database, TimeSpan timeout, TimeProvider time)
    {
        await using var pooled = database.CreateConnection();
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false };
        await using var connection = await BoundedConnection.OpenAsync(
            await pooled.CloneWithAsync(settings.ConnectionString, CancellationToken.None), timeout, time, CancellationToken.None);
        await using var probe = connection.CreateCommand(
            """
            -- probe database
            SELECT 1
            """);
        await probe.ExecuteScalarAsync(CancellationToken.None);
    }
}
