using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Outages;

namespace Sendcat.Reliability.Database;

/// <summary>
/// Postgres for requests. A request gets a connection with a deadline (<see cref="PostgresOptions"/>) and is refused with 503 when the
/// deadline passes. Background work, which may wait, uses <see cref="NpgsqlDataSource"/>.
/// </summary>
public sealed class RequestDatabase(NpgsqlDataSource database, IOptionsMonitor<PostgresOptions> options, TimeProvider time, ILogger<RequestDatabase> logger)
{
    /// <summary>
    /// The time without a failure after which an outage counts as over. When Postgres comes back, the last requests of the outage fail
    /// among the first that succeed.
    /// </summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(5);

    /// <summary>Requests that fail for Postgres report it here, so that the first of them alone is logged.</summary>
    public Outage Outage { get; } = new("Postgres for requests", logger, time, Settled);

    /// <summary><c>POSTGRES_GATE_TIMEOUT_MS</c>.</summary>
    public TimeSpan TurnTimeout => TimeSpan.FromMilliseconds(options.CurrentValue.GateTimeoutMs);

    /// <summary>Opens a connection for <c>POSTGRES_STATEMENT_TIMEOUT_MS</c>.</summary>
    /// <inheritdoc cref="BoundedConnection.OpenAsync"/>
    public Task<BoundedConnection> OpenAsync(CancellationToken cancellationToken) =>
        BoundedConnection.OpenAsync(database, TimeSpan.FromMilliseconds(options.CurrentValue.StatementTimeoutMs), time, cancellationToken, Outage);

    /// <summary>Opens a connection for <c>POSTGRES_GATE_TIMEOUT_MS</c>, for a request on its way to a turn.</summary>
    /// <inheritdoc cref="BoundedConnection.OpenAsync"/>
    public Task<BoundedConnection> OpenForTurnAsync(CancellationToken cancellationToken) =>
        BoundedConnection.OpenAsync(database, TurnTimeout, time, cancellationToken, Outage);
}
