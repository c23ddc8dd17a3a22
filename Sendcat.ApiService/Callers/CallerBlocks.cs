using System.Collections.Frozen;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Tables;
using StackExchange.Redis;

namespace Sendcat.ApiService.Callers;

/// <summary>
/// The callers that operators have blocked for a time. A block is in force on this replica when the call returns, and on the others with
/// the signal of Redis or their next read. It ends by itself.
/// </summary>
internal sealed class CallerBlocks(
    NpgsqlDataSource source, RequestDatabase database, IConnectionMultiplexer redis, RateLimitEvents events, TimeProvider time,
    StoreOutages outages, ILogger<CallerBlocks> logger)
    : TableWatch("Reading of blocked callers", RedisKeys.CallersBlocked, redis, time, outages, logger)
{
    /// <summary>The reason of refusals, and the bucket of their events.</summary>
    public const string Reason = "caller_blocked";

    private const string Current = """
        -- list blocked callers
        SELECT caller, until, blocked_at, blocked_by, reason FROM caller_blocks WHERE until > $1 ORDER BY blocked_at DESC, caller
        """;

    // The block and its audit row are written together. Blocks that have ended are deleted.
    private const string Write = """
        -- block caller
        WITH before AS (SELECT until FROM caller_blocks WHERE caller = $1 AND until > $4 FOR UPDATE),
             ended AS (DELETE FROM caller_blocks WHERE until <= $4 AND caller <> $1),
             written AS (
               INSERT INTO caller_blocks (caller, until, blocked_at, blocked_by, reason) VALUES ($1, $2, $4, $3, $5)
               ON CONFLICT (caller) DO UPDATE SET
                 until = excluded.until, blocked_at = excluded.blocked_at, blocked_by = excluded.blocked_by, reason = excluded.reason)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        VALUES ($3, 'caller.block', $1, (SELECT 'until ' || until FROM before), 'until ' || $2::timestamptz, $4, $5)
        """;

    private const string Delete = """
        -- unblock caller
        WITH gone AS (DELETE FROM caller_blocks WHERE caller = $1 AND until > $3 RETURNING until)
        INSERT INTO reliability.operator_audit (actor, action, target, before, after, created_at, reason)
        SELECT $2, 'caller.unblock', $1, 'until ' || until, NULL, $3, $4 FROM gone RETURNING id
        """;

    private FrozenDictionary<string, DateTimeOffset> _until = FrozenDictionary<string, DateTimeOffset>.Empty;

    /// <summary>Refuses the requests of a blocked caller.</summary>
    /// <param name="principal">The key of the principal.</param>
    /// <returns>The 429 error until the block ends; null: the caller is not blocked.</returns>
    public ApiError? Refusal(HttpContext http, string principal)
    {
        var blocked = Volatile.Read(ref _until);
        if (blocked.Count == 0)
        {
            return null;
        }

        var now = Time.GetUtcNow();
        foreach (var caller in CallerName.Of(http, principal))
        {
            if (blocked.TryGetValue(caller, out var until) && until > now)
            {
                events.Record(new(RateLimitSource.ChatHttp, Reason, $"{Reason}:{caller}", RateLimitOutcome.Blocked, null)
                {
                    RetryAfter = until - now, Path = RouteTemplate.Of(http), Method = http.Request.Method,
                });
                return ApiError.RateLimited(until - now, Reason, "An operator has blocked your requests for some time");
            }
        }

        return null;
    }

    /// <summary>The blocks in force, the newest first.</summary>
    public async Task<IReadOnlyList<CallerBlock>> ListAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Current);
        command.Parameters.Add(new() { Value = Time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await ReadAsync(reader, CancellationToken.None);
    }

    /// <summary>Blocks a caller, or changes its block.</summary>
    /// <param name="caller">See <see cref="CallerName"/>.</param>
    /// <param name="by">The operator and the reason.</param>
    /// <returns>The block.</returns>
    public async Task<CallerBlock> BlockAsync(string caller, TimeSpan duration, AuditedBy by, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        var block = new CallerBlock(caller, now + duration, now, by.Actor, by.Reason ?? "");
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(Write);
            foreach (var value in new object[] { caller, block.Until, by.Actor, now, block.Reason })
            {
                command.Parameters.Add(new() { Value = value });
            }

            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }

        Log.CallerBlocked(caller, block.Until, by.Actor);
        await ChangedAsync(cancellationToken);
        return block;
    }

    /// <summary>Ends a block.</summary>
    /// <returns>False: the caller is not blocked.</returns>
    public async Task<bool> UnblockAsync(string caller, AuditedBy by, CancellationToken cancellationToken)
    {
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await using var command = connection.CreateCommand(Delete);
            foreach (var value in new object[] { caller, by.Actor, Time.GetUtcNow(), by.Reason ?? "" })
            {
                command.Parameters.Add(new() { Value = value });
            }

            if (await command.ExecuteScalarAsync(CancellationToken.None) is null)
            {
                return false;
            }
        }

        Log.CallerUnblocked(caller, by.Actor);
        await ChangedAsync(cancellationToken);
        return true;
    }

    protected override async Task ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Current);
        command.Parameters.Add(new() { Value = Time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var blocks = await ReadAsync(reader, cancellationToken);
        Volatile.Write(ref _until, blocks.ToFrozenDictionary(block => block.Caller, block => block.Until, StringComparer.Ordinal));
    }

    /// <summary>Nothing: each request compares the end of a block with its own time.</summary>
    protected override DateTimeOffset? Apply() => null;

    private static async Task<List<CallerBlock>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var blocks = new List<CallerBlock>();
        while (await reader.ReadAsync(cancellationToken))
        {
            blocks.Add(new(
                reader.GetString(0), await reader.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken),
                await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken), reader.GetString(3), reader.GetString(4)));
        }

        return blocks;
    }
}

/// <param name="Caller">See <see cref="CallerName"/>.</param>
/// <param name="BlockedBy">The operator.</param>
internal sealed record CallerBlock(string Caller, DateTimeOffset Until, DateTimeOffset BlockedAt, string BlockedBy, string Reason);
