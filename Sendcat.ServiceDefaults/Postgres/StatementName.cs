using Npgsql;

namespace Sendcat.ServiceDefaults.Postgres;

/// <summary>
/// Names the spans of statements. Our own have their name in their first line (<c>-- claim tool jobs</c>), where <c>pg_stat_activity</c> shows it, too. One without a name is called by
/// its verb and its first table (<c>SELECT threads</c>).
/// </summary>
public static class StatementName
{
    private const string Mark = "-- ";
    private const string Unknown = "postgresql";

    public static string Of(string sql)
    {
        var text = sql.AsSpan().TrimStart();
        if (!text.StartsWith(Mark, StringComparison.Ordinal))
        {
            return Summary(sql);
        }

        var line = text[Mark.Length..];
        var end = line.IndexOf('\n');
        return (end < 0 ? line : line[..end]).Trim().ToString();
    }

    /// <summary>The names of a batch's statements, each once.</summary>
    public static string OfBatch(IEnumerable<string> statements) => string.Join(", ", statements.Select(Of).Distinct(StringComparer.Ordinal));

    /// <summary>Npgsql asks for names only while somebody listens to its spans.</summary>
    public static NpgsqlDataSourceBuilder NameSpans(this NpgsqlDataSourceBuilder source) => source.ConfigureTracing(tracing => tracing
        .ConfigureCommandSpanNameProvider(command => Of(command.CommandText))
        .ConfigureBatchSpanNameProvider(batch => OfBatch(batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(command => command.CommandText))));

    private static string Summary(string sql)
    {
        string[] words = [.. sql.Split('\n').Where(line => !line.TrimStart().StartsWith("--", StringComparison.Ordinal)).SelectMany(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))];
        if (words.Length == 0)
        {
            return Unknown;
        }

        var table = words.SkipWhile(word => word.ToUpperInvariant() is not ("INTO" or "UPDATE" or "FROM")).Skip(1).FirstOrDefault();
        return table is null ? words[0].ToUpperInvariant().TrimEnd(';') : $"{words[0].ToUpperInvariant()} {Bare(table)}";
    }

    /// <summary>Without schema, quotes and what else clings to it.</summary>
    private static string Bare(string table) => table.TrimEnd(';', ')', ',').Split('.')[^1].Split('(')[0].Trim('"');
}
