using Npgsql;

namespace Sendcat.KillRig.Delivering;

/// <summary>Reads from Postgres what became of deliveries.</summary>
internal sealed class RowCounts(NpgsqlDataSource database, CancellationToken cancellationToken)
{
    /// <summary>How many rows each key has. The query returns keys and numbers.</summary>
    public async Task<Dictionary<string, long>> ByKeyAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            counts[reader.GetString(0)] = reader.GetInt64(1);
        }

        return counts;
    }

    /// <summary>The drafts of each order number.</summary>
    public Task<Dictionary<string, long>> DraftsAsync() =>
        ByKeyAsync("SELECT unnest(order_numbers), count(*) FROM purchase_drafts GROUP BY 1");

    /// <summary>The evidence of each message.</summary>
    /// <param name="source"><c>whatsapp</c> or <c>gmail</c>.</param>
    public Task<Dictionary<string, long>> EvidenceAsync(string source) =>
        ByKeyAsync($"SELECT message_id, count(*) FROM evidence WHERE source = '{source}' GROUP BY 1");

    /// <summary>The jobs of a lane that have not completed, with their last error.</summary>
    public async Task<IReadOnlyList<string>> IncompleteJobsAsync(string tool)
    {
        await using var command = database.CreateCommand(
            $"""
            SELECT id || ' ' || status || ' ' || coalesce(last_error, '') FROM reliability.tool_jobs
            WHERE tool = '{tool}' AND status <> 'completed'
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var texts = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }

    /// <summary>The jobs of a lane that a fault interrupted: they were leased more than once.</summary>
    public async Task<long> InterruptedJobsAsync(string tool)
    {
        await using var command = database.CreateCommand(
            $"""
            SELECT count(*) FROM (
                SELECT FROM rig.claims c JOIN reliability.tool_jobs j ON j.id = c.job AND j.tool = '{tool}'
                GROUP BY c.job HAVING count(*) > 1) AS twice
            """);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
