using Npgsql;
using NpgsqlTypes;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>Parameters of the statements of a <see cref="TurnJournalCommit"/>: one array per column, with one value per row.</summary>
internal static class CommitColumns
{
    public static NpgsqlParameter Column<TRow, TValue>(TRow[] rows, Func<TRow, TValue> value) =>
        new NpgsqlParameter<TValue[]> { TypedValue = Array.ConvertAll(rows, row => value(row)) };

    public static NpgsqlParameter Json<TRow>(TRow[] rows, Func<TRow, string?> value) =>
        new() { Value = Array.ConvertAll(rows, row => value(row)), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };

    public static NpgsqlParameter Ids(Guid[] ids) => new NpgsqlParameter<Guid[]> { TypedValue = ids };
}
