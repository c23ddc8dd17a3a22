using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Sendcat.Reliability.Alerts;

/// <summary>How rows of alerts are read and written.</summary>
internal static class AlertSql
{
    /// <summary>In the order of <see cref="AlertAsync"/>.</summary>
    public const string Columns =
        "a.id, a.kind, a.subject, a.severity, a.cause, a.command, a.playbook, a.over_when, a.observed, a.threshold, a.tags::text, "
        + "a.raised_at, a.seen_at, a.notified_at, a.acknowledged_at, a.acknowledged_by, a.acknowledged_reason, a.resolved_at";

    public const int ColumnCount = 18;

    /// <summary>In the order of <see cref="NoticeAsync"/>, after those of the alert.</summary>
    public const string NoticeColumns =
        "n.id, n.channel, n.event, n.message_id, n.created_at, n.attempts, n.sent_at, n.failed_at, n.failure";

    public static async Task<Alert> AlertAsync(NpgsqlDataReader reader, CancellationToken cancellationToken) =>
        new(reader.GetInt64(0), reader.GetString(1), reader.GetString(2))
        {
            Severity = AlertNames.SeverityOf(reader.GetString(3)),
            Cause = reader.GetString(4),
            Command = reader.GetString(5),
            Playbook = reader.GetString(6),
            Over = reader.GetString(7),
            Observed = reader.GetDouble(8),
            Threshold = reader.GetDouble(9),
            Tags = JsonSerializer.Deserialize(reader.GetString(10), AlertJson.Default.DictionaryStringString)!,
            RaisedAt = await reader.GetFieldValueAsync<DateTimeOffset>(11, cancellationToken),
            SeenAt = await reader.GetFieldValueAsync<DateTimeOffset>(12, cancellationToken),
            NotifiedAt = await reader.GetFieldValueAsync<DateTimeOffset>(13, cancellationToken),
            AcknowledgedAt = await TimeAsync(reader, 14, cancellationToken),
            AcknowledgedBy = await TextAsync(reader, 15, cancellationToken),
            AcknowledgedReason = await TextAsync(reader, 16, cancellationToken),
            ResolvedAt = await TimeAsync(reader, 17, cancellationToken),
        };

    public static async Task<AlertNotice> NoticeAsync(
        NpgsqlDataReader reader, Alert alert, int first, CancellationToken cancellationToken) =>
        new(
            reader.GetInt64(first), alert, reader.GetString(first + 1), AlertNames.EventOf(reader.GetString(first + 2)),
            reader.GetGuid(first + 3), await reader.GetFieldValueAsync<DateTimeOffset>(first + 4, cancellationToken),
            reader.GetInt32(first + 5))
        {
            SentAt = await TimeAsync(reader, first + 6, cancellationToken),
            FailedAt = await TimeAsync(reader, first + 7, cancellationToken),
            Failure = await TextAsync(reader, first + 8, cancellationToken),
        };

    public static NpgsqlParameter Tags(IReadOnlyDictionary<string, string> tags) => new()
    {
        Value = JsonSerializer.Serialize(
            new Dictionary<string, string>(tags, StringComparer.Ordinal), AlertJson.Default.DictionaryStringString),
        NpgsqlDbType = NpgsqlDbType.Jsonb,
    };

    public static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    public static NpgsqlParameter Time(DateTimeOffset? time) =>
        new() { Value = (object?)time ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private static async Task<DateTimeOffset?> TimeAsync(NpgsqlDataReader reader, int column, CancellationToken cancellationToken) =>
        await reader.IsDBNullAsync(column, cancellationToken)
            ? null
            : await reader.GetFieldValueAsync<DateTimeOffset>(column, cancellationToken);

    private static async Task<string?> TextAsync(NpgsqlDataReader reader, int column, CancellationToken cancellationToken) =>
        await reader.IsDBNullAsync(column, cancellationToken) ? null : reader.GetString(column);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class AlertJson : System.Text.Json.Serialization.JsonSerializerContext;
