using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Buries the turns of processes that died: their messages become <c>error</c> with the text that was on record, their leases are freed by the beat in Redis. Any replica may do it;
/// closing a session is a compare-and-set, so two that try at once do it once.
/// </summary>
internal sealed class TurnReaper(NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, ILogger<TurnReaper> logger)
{
    private const string Sweep = """
        -- reap dead replicas
        with dead as (
          select id from replicas where last_heartbeat < clock_timestamp() - $1 order by id for update skip locked
        ), closed as (
          update stream_sessions s set status = 'error', ended_at = clock_timestamp()
          from dead where s.replica_id = dead.id and s.status = 'streaming'
          returning s.id, s.message_id, s.thread_id, s.replica_id
        ), failed as (
          update messages m set status = 'error' from closed where m.id = closed.message_id and m.status = 'streaming' returning m.id
        ), gone as (
          delete from replicas r using dead where r.id = dead.id
        )
        select dead.id, closed.id, closed.thread_id from dead left join closed on closed.replica_id = dead.id
        """;

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var replicas = new HashSet<Guid>();
        var turns = new List<(Guid Stream, Guid Thread)>();
        await using (var command = database.CreateCommand(Sweep))
        {
            command.Parameters.Add(new() { Value = ReplicaHeartbeat.Death });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                replicas.Add(reader.GetGuid(0));
                if (!await reader.IsDBNullAsync(1, cancellationToken))
                {
                    turns.Add((reader.GetGuid(1), reader.GetGuid(2)));
                }
            }
        }

        if (replicas.Count > 0)
        {
            BackgroundRound.Did("reap dead replicas", began, ("sendcat.replicas.count", replicas.Count), ("sendcat.turns.count", turns.Count));
        }

        foreach (var replica in replicas)
        {
            logger.ReplicaBuried(replica, turns.Count);
        }

        if (turns.Count > 0 && redis.IsConnected)
        {
            try
            {
                await redis.GetDatabase().KeyDeleteAsync([.. turns.Select(turn => (RedisKey)RedisKeys.LiveTurn(turn.Thread))]);
            }
            catch (Exception failure) when (RedisFailure.Is(failure))
            {
                // The turns are buried; their addresses run out by themselves.
                logger.DirectoryUnreachable(failure.GetType().Name);
            }
        }
    }
}
