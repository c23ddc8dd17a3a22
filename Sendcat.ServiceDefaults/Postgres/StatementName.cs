using Npgsql;

namespace Sendcat.ServiceDefaults.Postgres;

/// <summary>
/// The span names of SQL statements. Sendcat's own statements have their name in the first line (<c>-- claim tool jobs</c>), which
/// <c>pg_stat_activity</c> also shows. The name of any other statement is its verb and its first table (<c>SELECT threads</c>).
/// </summary>
public static class StatementName
{
    private const string NamePrefix = "-- ";
    private const string Unknown = "postgresql";

    public static string Of(string sql)
    {
        var text = sql.AsSpan().TrimStart();
        if (!text.StartsWith(NamePrefix, StringComparison.Ordinal))
        {
            return Summary(sql);
        }

        var line = text[NamePrefix.Length..];
        var end = line.IndexOf('\n');
        return (end < 0 ? line : line[..end]).Trim().ToString();
    }

    /// <summary>The distinct names of the statements of a batch, joined by a comma.</summary>
    public static string OfBatch(IEnumerable<string> statements) =>
        string.Join(", ", statements.Select(Of).Distinct(StringComparer.Ordinal));

    /// <summary>Uses these names for the spans of the data source. Npgsql calls the providers only while its spans are recorded.</summary>
    public static NpgsqlDataSourceBuilder NameSpans(this NpgsqlDataSourceBuilder source) => source.ConfigureTracing(tracing => tracing
        .ConfigureCommandSpanNameProvider(command => Of(command.CommandText))
        .ConfigureBatchSpanNameProvider(
            batch => OfBatch(batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(command => command.CommandText))));

    private static string Summary(string sql)
    {
        string[] words =
        [
            .. sql.Split('\n')
                .Where(line => !line.TrimStart().StartsWith("--", StringComparison.Ordinal))
                .SelectMany(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
        ];
        if (words.Length == 0)
        {
            return Unknown;
        }

        var table = words.SkipWhile(word => word.ToUpperInvariant() is not ("INTO" or "UPDATE" or "FROM")).Skip(1).FirstOrDefault();
        return table is null ? words[0].ToUpperInvariant().TrimEnd(';') : $"{words[0].ToUpperInvariant()} {BareTableName(table)}";
    }

    /// <summary>The table name without schema, quotes and adjacent punctuation.</summary>
    private static string BareTableName(string table) => table.TrimEnd(';', ')', ',').Split('.')[^1].Split('(')[0].Trim('"');
}
