using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Callers;

/// <summary>
/// What callers used and were refused in a window: sums over the ledger of costs, the tool jobs and the events of limits.
/// </summary>
internal sealed class CallerTotals(RequestDatabase database)
{
    /// <summary>What the callers are sorted by.</summary>
    public static readonly IReadOnlyList<string> Measures = ["cost", "tokens", "turns", "jobs", "refusals"];

    // Turns count for the principal and for the address. The principals of jobs and events are hashed as those of turns are. Events in
    // shadow mode and those of admitted calls are no refusals, and neither are suspensions of providers.
    private const string Sums = """
        -- sum usage of callers
        WITH used AS (
          SELECT coalesce(caller, address) AS caller, count(*) FILTER (WHERE number = 0) AS turns,
            sum(prompt_tokens + completion_tokens)::bigint AS tokens,
            coalesce(sum(cost_micro_usd), 0)::bigint AS cost, count(DISTINCT stream_id) FILTER (WHERE cost_micro_usd IS NULL) AS unpriced,
            0::bigint AS jobs, 0::bigint AS refusals
          FROM turn_costs WHERE ended_at >= $1 GROUP BY GROUPING SETS ((caller), (address)) HAVING coalesce(caller, address) IS NOT NULL
        ), enqueued AS (
          SELECT split_part(principal, ':', 1) || ':#'
            || left(encode(sha256(convert_to(substr(principal, strpos(principal, ':') + 1), 'UTF8')), 'hex'), 16) AS caller,
            0::bigint, 0::bigint, 0::bigint, 0::bigint, count(*), 0::bigint
          FROM reliability.tool_jobs WHERE created_at >= $1 AND (principal LIKE 'user:%' OR principal LIKE 'session:%') GROUP BY principal
        ), refused AS (
          SELECT substr(key, strpos(key, ':') + 1) AS name, sum(hits) AS hits FROM reliability.rate_limit_events
          WHERE outcome = ANY(ARRAY['blocked', 'contention_fallback']) AND created_at >= $1 AND retry_after_ms IS NOT NULL
            AND bucket <> ALL(ARRAY['chat_admission_shadow', 'provider_suspension'])
          GROUP BY 1
        ), named AS (
          SELECT CASE WHEN name LIKE 'user:#%' OR name NOT LIKE 'user:%' THEN name
              ELSE 'user:#' || left(encode(sha256(convert_to(substr(name, 6), 'UTF8')), 'hex'), 16) END AS caller,
            0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, hits::bigint
          FROM refused WHERE name LIKE 'user:%' OR name LIKE 'session:%' OR name LIKE 'ip:%'
        ), summed AS (
          SELECT caller, sum(turns)::bigint AS turns, sum(tokens)::bigint AS tokens, sum(cost)::bigint AS cost,
            sum(unpriced)::bigint AS unpriced, sum(jobs)::bigint AS jobs, sum(refusals)::bigint AS refusals
          FROM (SELECT * FROM used UNION ALL SELECT * FROM enqueued UNION ALL SELECT * FROM named) AS parts GROUP BY caller
        )
        SELECT caller, turns, tokens, cost, unpriced, jobs, refusals FROM summed
        ORDER BY CASE $2 WHEN 'cost' THEN cost WHEN 'tokens' THEN tokens WHEN 'turns' THEN turns WHEN 'jobs' THEN jobs
            ELSE refusals END DESC,
          cost DESC, turns DESC, refusals DESC, caller LIMIT $3
        """;

    /// <param name="measure">One of <see cref="Measures"/>.</param>
    /// <returns>The callers with most of it first.</returns>
    public async Task<IReadOnlyList<CallerTotal>> SumAsync(
        DateTimeOffset since, string measure, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Sums);
        command.Parameters.Add(new() { Value = since });
        command.Parameters.Add(new() { Value = measure });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var totals = new List<CallerTotal>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            totals.Add(new(
                reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.GetInt64(6)));
        }

        return totals;
    }
}

/// <param name="Caller">See <see cref="CallerName"/>.</param>
/// <param name="Turns">Turns that called a model and ended in the window.</param>
/// <param name="Tokens">Of prompts and answers.</param>
/// <param name="MicroUsd">Millionths of a US dollar, of calls with a known price.</param>
/// <param name="UnpricedTurns">Turns with a call whose price is unknown.</param>
/// <param name="Jobs">Tool jobs that were created in the window.</param>
/// <param name="Refusals">Requests that a limit or a block refused.</param>
internal sealed record CallerTotal(string Caller, long Turns, long Tokens, long MicroUsd, long UnpricedTurns, long Jobs, long Refusals);
