using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Reliability.Database;

/// <summary>Who changes something, and why, for the audit row of the change.</summary>
/// <param name="Actor">For instance <c>ann (operator) at ip:192.0.2.1</c>.</param>
/// <param name="Reason">The operator's words; null for data that is reported to Sendcat.</param>
public sealed record AuditedBy(string Actor, string? Reason = null)
{
    internal NpgsqlParameter ReasonParameter() => new() { Value = (object?)Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
