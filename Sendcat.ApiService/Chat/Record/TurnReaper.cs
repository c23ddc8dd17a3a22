using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Threads.Events;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Closes the turns of dead replicas: their messages get the status <c>error</c> and keep the text that is persisted. Their leases are
/// released by the replica heartbeat in Redis, not here. Any replica may run it: closing a session is a compare-and-set, so two concurrent
/// runs close each turn once.
/// </summary>
internal sealed class TurnReaper(
    NpgsqlDataSource database, IConnectionMultiplexer redis, ThreadSignals threads, SliRecorder slis, TimeProvider time,
    StoreOutages outages,
    ILogger<TurnReaper> logger)
{
    private const string Sweep = """
        -- reap dead replicas
        WITH dead AS (
          SELECT id FROM replicas WHERE last_heartbeat < clock_timestamp() - $1 ORDER BY id FOR UPDATE SKIP LOCKED
        ), closed AS (
          UPDATE stream_sessions s SET status = 'error', ended_at = clock_timestamp()
          FROM dead WHERE s.replica_id = dead.id AND s.status = 'streaming'
          RETURNING s.id, s.message_id, s.thread_id, s.replica_id
        ), failed AS (
          UPDATE messages m SET status = 'error' FROM closed WHERE m.id = closed.message_id AND m.status = 'streaming' RETURNING m.id
        ), gone AS (
          DELETE FROM replicas r USING dead WHERE r.id = dead.id
        )
        SELECT dead.id, closed.id, closed.thread_id FROM dead LEFT JOIN closed ON closed.replica_id = dead.id
        """;

    /// <summary>Runs one round.</summary>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var startedAt = time.GetUtcNow();
        var replicas = new HashSet<Guid>();
        var turns = new List<(Guid Stream, Guid Thread)>();
        await using (var command = database.CreateCommand(Sweep))
        {
            command.Parameters.Add(new() { Value = ReplicaHeartbeat.DeadAfter });
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
            BackgroundRound.Record(
                "reap dead replicas", startedAt, ("sendcat.replicas.count", replicas.Count), ("sendcat.turns.count", turns.Count));
        }

        foreach (var replica in replicas)
        {
            logger.ReplicaReaped(replica, turns.Count);
        }

        foreach (var _ in turns)
        {
            // The dead replica cannot record how its turns ended.
            slis.Ended(MeasuredEndpoint.Chat.Path, new(SliOutcome.Failed, "replica_lost"));
        }

        foreach (var thread in turns.Select(turn => turn.Thread).Distinct())
        {
            threads.Changed(thread);
        }

        if (turns.Count > 0 && redis.IsConnected)
        {
            try
            {
                // Without the mirrors, readers on other replicas learn that the turns have ended.
                await redis.GetDatabase().KeyDeleteAsync([
                    .. turns.SelectMany(turn => new RedisKey[] { RedisKeys.LiveTurn(turn.Thread), RedisKeys.TurnMirror(turn.Stream) })]);
            }
            catch (Exception failure) when (RedisFailure.Is(failure))
            {
                // The turns are closed in Postgres; their entries in the turn directory and their mirrors expire.
                if (!outages.Redis.Records("Removing of closed turns", failure))
                {
                    logger.DirectoryUnreachable(failure.GetType().Name);
                }
            }
        }
    }
}
