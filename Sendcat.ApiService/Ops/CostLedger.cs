using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Ops;

/// <summary>Sums over the ledger of costs, for operators.</summary>
internal sealed class CostLedger(RequestDatabase database)
{
    // A turn has one row for each model. A turn of which one model has no known price is unpriced.
    private const string Totals = """
        -- sum turn costs by model
        SELECT model, count(*), sum(calls)::bigint, sum(prompt_tokens)::bigint, sum(completion_tokens)::bigint,
          coalesce(sum(cost_micro_usd), 0)::bigint, count(*) FILTER (WHERE cost_micro_usd IS NULL), count(*) FILTER (WHERE number = 0)
        FROM turn_costs WHERE ended_at >= $1 GROUP BY model ORDER BY 6 DESC, 2 DESC, 1
        """;

    private const string Unpriced = """
        -- count unpriced turns
        SELECT count(DISTINCT stream_id) FROM turn_costs WHERE ended_at >= $1 AND cost_micro_usd IS NULL
        """;

    /// <summary>The turns that ended since a time.</summary>
    public async Task<CostTotals> SumAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        foreach (var sql in new[] { Totals, Unpriced })
        {
            batch.BatchCommands.Add(new(sql) { Parameters = { new() { Value = since } } });
        }

        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        var (models, turns) = (new List<ModelTotals>(), 0L);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            models.Add(new(
                reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.GetInt64(6)));
            turns += reader.GetInt64(7);
        }

        await reader.NextResultAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return new(models, turns, reader.GetInt64(0));
    }
}

/// <param name="Models">The most expensive first.</param>
/// <param name="Turns">Turns that called a model.</param>
/// <param name="UnpricedTurns">Those of which at least one model has no known price.</param>
internal sealed record CostTotals(IReadOnlyList<ModelTotals> Models, long Turns, long UnpricedTurns);

/// <param name="Turns">Turns that called the model.</param>
/// <param name="MicroUsd">Millionths of a US dollar, of the turns with a known price.</param>
/// <param name="UnpricedTurns">Turns whose price is unknown.</param>
internal sealed record ModelTotals(
    string Model, long Turns, long Calls, long PromptTokens, long CompletionTokens, long MicroUsd, long UnpricedTurns);
