using Npgsql;

namespace Sendcat.Benchmarks.Ops;

/// <summary>Rows for the measurements of the operator API, and their counts by SQL. The parameter is the number of rows.</summary>
internal static class OpsRows
{
    public const string Events = """
        -- insert benchmark events
        INSERT INTO reliability.rate_limit_events (source, bucket, key, outcome, reason, dedupe_key, hits, retry_after_ms, created_at, expires_at)
        SELECT 'chat_http', bucket, bucket || ':session:#' || lpad(to_hex(n % 5000), 16, '0'),
            (ARRAY['allowed', 'blocked', 'contention_fallback'])[1 + n % 3],
            CASE WHEN n % 3 > 0 THEN (ARRAY['user_inflight', 'global_inflight', 'redis_unavailable', 'global_msg_rate'])[1 + n % 4] END,
            'd' || n, 1 + n % 5, CASE WHEN n % 3 > 0 THEN 1000 END, now() - make_interval(secs => n % 80000), now() + interval '7 days'
        FROM (
            SELECT n, (ARRAY['chat_admission', 'chat_admission_shadow', 'whatsapp_webhook', 'chat_stream'])[1 + n % 4] AS bucket
            FROM generate_series(1, $1) AS n) AS event
        """;

    public const string Jobs = """
        -- insert benchmark jobs
        INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at, announced_at,
            created_at, updated_at, started_at, lease_expires_at, completed_at, expires_at, dead_letter_at, dead_letter_reason, last_error, error_fingerprint)
        SELECT gen_random_uuid(), tool, 'realtime', 'user:' || n % 500, jsonb_build_object('query', 'kettle ' || n)::text, status, 1, 2,
            now() + interval '1 day', at, now() + interval '1 day', at, at, at,
            CASE WHEN status = 'running' THEN now() + interval '1 day' END, CASE WHEN NOT status IN ('queued', 'running') THEN at END,
            now() + interval '7 days', CASE WHEN status = 'dead_letter' THEN at END, CASE WHEN status = 'dead_letter' THEN 'attempts_exhausted' END,
            'boom', '0123456789ab'
        FROM (
            SELECT n, (ARRAY['search_web', 'search_products', 'search_global'])[1 + n % 3] AS tool,
                (ARRAY['queued', 'running', 'completed', 'failed', 'dead_letter', 'cancelled', 'completed', 'completed'])[1 + n % 8] AS status,
                now() - make_interval(secs => n % 80000) AS at
            FROM generate_series(1, $1) AS n) AS job
        """;

    public const string Deliveries = """
        -- insert benchmark deliveries
        INSERT INTO reliability.webhook_inbox (scope, key, delivery_id, hit_count, first_seen_at, last_seen_at, expires_at)
        SELECT (ARRAY['gmail_push', 'whatsapp_message'])[1 + n % 2], 'k' || n, gen_random_uuid(), 1 + n % 3, now() - make_interval(secs => n % 80000), now(),
            now() + interval '7 days'
        FROM generate_series(1, $1) AS n
        """;

    /// <summary>Turns of 5 000 guests at 200 addresses. The price of one in twenty is unknown.</summary>
    public const string Costs = """
        -- insert benchmark costs
        INSERT INTO turn_costs (ended_at, stream_id, number, model, caller, address, calls, prompt_tokens, completion_tokens, cost_micro_usd)
        SELECT now() - make_interval(secs => n % 80000), gen_random_uuid(), 0,
            (ARRAY['moonshotai/kimi-k2.5', 'openai/gpt-5', 'openai/gpt-5-mini'])[1 + n % 3], 'session:#' || lpad(to_hex(n % 5000), 16, '0'),
            'ip:192.0.2.' || n % 200, 1 + n % 3, 1000 + n % 500, n % 700, CASE WHEN n % 20 > 0 THEN 900 + n % 1000 END
        FROM generate_series(1, $1) AS n
        """;

    /// <summary>$2 of the rows have the word teapot in their arguments.</summary>
    public const string Letters = """
        -- insert benchmark dead letters
        INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at, announced_at,
            created_at, updated_at, completed_at, expires_at, dead_letter_at, dead_letter_reason, last_error, error_fingerprint, history)
        SELECT gen_random_uuid(), (ARRAY['search_web', 'search_products', 'search_global'])[1 + n % 3], 'realtime', 'user:' || n % 500,
            jsonb_build_object('query', CASE WHEN n <= $2 THEN 'teapot ' ELSE 'electric kettle ' END || n, 'limit', 10, 'marketplaceId', 'EBAY_US')::text,
            'dead_letter', 2, 2, at, at, at, at, at, at, now() + interval '7 days', at, 'attempts_exhausted', 'HTTP 503 after 712 ms',
            (ARRAY['0123456789ab', '123456789abc', '23456789abcd'])[1 + n % 3],
            jsonb_build_array(jsonb_build_object('attempt', 1, 'startedAt', at, 'endedAt', at, 'worker', 'w', 'error', 'HTTP 503 after 712 ms', 'fingerprint', '0123456789ab'))
        FROM (SELECT n, now() - make_interval(secs => n % 80000) AS at FROM generate_series(1, $1) AS n) AS letter
        """;

    public const string Replayed = """
        -- count replayed jobs
        SELECT count(*) FROM reliability.tool_jobs WHERE replay_count = 1
        """;

    public const string LiveReplays = """
        -- count replayed jobs that have not ended
        SELECT count(*) FROM reliability.tool_jobs WHERE replay_count > 0 AND status IN ('queued', 'running')
        """;

    public const string CompletedReplays = """
        -- count completed replays
        SELECT count(*) FROM reliability.tool_jobs WHERE replay_count > 0 AND status = 'completed'
        """;

    /// <summary>Of each query of a replayed job the attempts since the replay.</summary>
    public const string AttemptsOfReplays = """
        -- list attempts of replayed jobs
        SELECT args::json ->> 'query', attempts::bigint FROM reliability.tool_jobs WHERE replay_count > 0
        """;

    public const string ReplayedTwice = """
        -- count jobs replayed twice
        SELECT count(*) FROM reliability.tool_jobs WHERE replay_count > 1
        """;

    public const string Unpublished = """
        -- count messages
        SELECT count(*) FROM reliability.tool_outbox
        """;

    public const string EventCounts = """
        -- count benchmark events
        SELECT bucket || ':' || outcome || ':' || coalesce(reason, 'none'), sum(hits)::bigint FROM reliability.rate_limit_events GROUP BY 1
        """;

    public const string JobCounts = """
        -- count benchmark jobs
        SELECT CASE status WHEN 'dead_letter' THEN 'deadLetter' ELSE status END, count(*) FROM reliability.tool_jobs GROUP BY 1
        """;

    public const string CostSums = """
        -- sum benchmark costs
        SELECT model, coalesce(sum(cost_micro_usd), 0)::bigint FROM turn_costs GROUP BY 1
        """;

    /// <summary>Of each caller the millionths of a US dollar and the refusals.</summary>
    public const string CallerSums = """
        -- sum benchmark callers
        SELECT caller || ' cost', coalesce(sum(cost_micro_usd), 0)::bigint FROM turn_costs GROUP BY caller
        UNION ALL SELECT address || ' cost', coalesce(sum(cost_micro_usd), 0)::bigint FROM turn_costs GROUP BY address
        UNION ALL SELECT substr(key, length(bucket) + 2) || ' refusals', sum(hits)::bigint FROM reliability.rate_limit_events
            WHERE outcome <> 'allowed' AND bucket <> 'chat_admission_shadow' GROUP BY 1
        """;

    public const string DeliveryCounts = """
        -- count benchmark deliveries
        SELECT scope, count(*) FROM reliability.webhook_inbox GROUP BY 1
        """;

    /// <summary>Inserts rows, and lets the planner know them.</summary>
    /// <param name="special">$2, for <see cref="Letters"/>.</param>
    public static async Task InsertAsync(NpgsqlDataSource database, string sql, int rows, CancellationToken cancellationToken, int? special = null)
    {
        await using var insert = database.CreateCommand(sql);
        insert.CommandTimeout = 120;
        insert.Parameters.Add(new() { Value = rows });
        if (special is { } count)
        {
            insert.Parameters.Add(new() { Value = count });
        }

        await insert.ExecuteNonQueryAsync(cancellationToken);
        await using var analyze = database.CreateCommand("-- analyze benchmark rows\nVACUUM ANALYZE reliability.rate_limit_events, reliability.tool_jobs, reliability.webhook_inbox, turn_costs");
        analyze.CommandTimeout = 120;
        await analyze.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<long> CountAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public static async Task<Dictionary<string, long>> CountsAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
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
}
