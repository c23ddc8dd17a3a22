using Npgsql;

using static Sendcat.ApiService.Chat.Record.CommitColumns;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The statements on the ledger of costs.</summary>
internal static class CostStatements
{
    // A repeated commit inserts the same rows.
    private const string NewCosts = """
        -- insert turn costs
        INSERT INTO turn_costs (ended_at, stream_id, number, caller, address, model, calls, prompt_tokens, completion_tokens,
          cost_micro_usd)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Deletes rows that ended before <c>$1</c>, at most <c>$2</c> of them.</summary>
    public const string Sweep = """
        -- remove old turn costs
        DELETE FROM turn_costs WHERE (ended_at, stream_id, number) IN (
          SELECT ended_at, stream_id, number FROM turn_costs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)
        """;

    public static NpgsqlBatchCommand Insert(TurnCostRow[] rows) => new(NewCosts)
    {
        Parameters =
        {
            Column(rows, row => row.EndedAt),
            Column(rows, row => row.StreamId),
            Column(rows, row => row.Number),
            Column(rows, row => row.Caller),
            Column(rows, row => row.Address),
            Column(rows, row => row.Cost.Model),
            Column(rows, row => row.Cost.Calls),
            Column(rows, row => row.Cost.PromptTokens),
            Column(rows, row => row.Cost.CompletionTokens),
            Column(rows, row => row.Cost.MicroUsd),
        },
    };
}
