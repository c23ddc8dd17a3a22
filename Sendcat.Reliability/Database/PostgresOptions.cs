using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Database;

/// <summary>How long a request waits for Postgres before it is refused with 503.</summary>
public sealed class PostgresOptions
{
    /// <summary>Time that a chat request waits for Postgres on its way to a turn, including the wait for a connection.</summary>
    [Knob("POSTGRES_GATE_TIMEOUT_MS"), Range(100, 60_000)]
    public int GateTimeoutMs { get; set; } = 2_000;

    /// <summary>
    /// Time that any other request waits for Postgres, including the wait for a connection. The value at start is also the
    /// <c>statement_timeout</c> of the API's connections, after which the server ends a statement by itself.
    /// </summary>
    [Knob("POSTGRES_STATEMENT_TIMEOUT_MS"), Range(100, 300_000)]
    public int StatementTimeoutMs { get; set; } = 5_000;
}
