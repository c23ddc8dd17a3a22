using System.Globalization;
using Npgsql;

namespace Sendcat.Reliability.Alerts;

/// <summary>
/// Marks in the timeline of an incident for what the row of an alert does not keep: that it was opened again, after it was resolved for a
/// while, and that its severity rose.
/// </summary>
internal static class AlertMarks
{
    /// <summary>An alert was opened for the first time, or its severity rose.</summary>
    public const string Raised = "alert_raised";

    public const string Reopened = "alert_reopened";

    public const string Resolved = "alert_resolved";

    /// <param name="change">A change that requires attention anew; any other one leaves no mark.</param>
    /// <param name="now">The alert after the change.</param>
    public static async Task EnterAsync(
        NpgsqlConnection connection, AlertChange.Held change, Alert now, CancellationToken cancellationToken)
    {
        if (!change.IsNew)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        if (change.Alert.ResolvedAt is { } resolved)
        {
            Add(batch, now, resolved, Resolved, "Alert resolved", now.Over);
            Add(batch, now, now.SeenAt, Reopened, $"Alert opened again ({now.Severity.Name()})", now.Cause);
        }
        else
        {
            Add(batch, now, now.SeenAt, Raised, $"Alert is a {now.Severity.Name()} now", now.Cause);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void Add(NpgsqlBatch batch, Alert alert, DateTimeOffset at, string kind, string title, string detail) =>
        batch.BatchCommands.Add(new(
            """
            -- mark change of alert
            INSERT INTO reliability.incident_marks (at, kind, subject, title, detail, key) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (key) DO NOTHING
            """)
        {
            Parameters =
            {
                new() { Value = at }, new() { Value = kind },
                new() { Value = alert.Subject.Length == 0 ? alert.Kind : $"{alert.Kind} {alert.Subject}" }, new() { Value = title },
                new() { Value = detail },
                new() { Value = string.Create(CultureInfo.InvariantCulture, $"{kind}|{alert.Id}|{at.ToUnixTimeMilliseconds()}") },
            },
        });
}
