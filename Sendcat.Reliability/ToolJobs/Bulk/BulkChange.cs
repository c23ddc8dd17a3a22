using Npgsql;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>A change of all dead letters that match a filter, which the replicas carry out in steps.</summary>
/// <param name="Action"><c>requeue</c> or <c>discard</c>.</param>
/// <param name="State">
/// <c>running</c>; <c>settling</c>: all letters are handled, and some requeued jobs have not ended; <c>done</c>.
/// </param>
/// <param name="Target">The filter, for people.</param>
public sealed record BulkChange(Guid Id, string Action, string State, string Target)
{
    public const string Requeue = "requeue";
    public const string Discard = "discard";

    /// <summary>An operator has cancelled it. The jobs that were requeued before run.</summary>
    public required bool Cancelled { get; init; }

    /// <summary>It does not wait for circuits.</summary>
    public required bool Force { get; init; }

    /// <summary>Letters that matched when it was created.</summary>
    public required int Matched { get; init; }

    /// <summary>Letters that were requeued or discarded.</summary>
    public required int Changed { get; init; }

    /// <summary>Letters that stayed dead, because another job handles the same request.</summary>
    public required int Skipped { get; init; }

    /// <summary>Requeued jobs with a result from all sources.</summary>
    public required int Whole { get; init; }

    /// <summary>Requeued jobs whose result lacks a source.</summary>
    public required int Partial { get; init; }

    /// <summary>Requeued jobs that have not ended.</summary>
    public required int Pending { get; init; }

    /// <summary>Requeued jobs that ended without a result.</summary>
    public int Failed => Action == Requeue ? Math.Max(0, Changed - Whole - Partial - Pending) : 0;

    /// <summary>The provider whose circuit must close first; null: it waits for none.</summary>
    public string? WaitsFor { get; init; }

    public required string Actor { get; init; }

    public string? Reason { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Reads <see cref="BulkSql.Columns"/>.</summary>
    internal static BulkChange Read(NpgsqlDataReader reader) =>
        new(reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(4))
    {
        Cancelled = reader.GetBoolean(3),
        Force = reader.GetBoolean(5),
        Matched = reader.GetInt32(6),
        Changed = reader.GetInt32(7),
        Skipped = reader.GetInt32(8),
        Whole = reader.GetInt32(9),
        Partial = reader.GetInt32(10),
        Pending = reader.GetInt32(11),
        WaitsFor = reader.IsDBNull(12) ? null : reader.GetString(12),
        Actor = reader.GetString(13),
        Reason = reader.IsDBNull(14) ? null : reader.GetString(14),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(15),
        EndedAt = reader.IsDBNull(16) ? null : reader.GetFieldValue<DateTimeOffset>(16),
    };

    /// <summary>The number of <see cref="BulkSql.Columns"/>.</summary>
    internal const int ColumnCount = 17;
}
