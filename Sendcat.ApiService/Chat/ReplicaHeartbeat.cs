using Npgsql;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>One row for this process, touched every two seconds: one heartbeat carries all its turns.</summary>
internal sealed class ReplicaHeartbeat(NpgsqlDataSource database, ReplicaId replica, TurnReaper reaper, TimeProvider time, ILogger<ReplicaHeartbeat> logger) : BackgroundService
{
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    /// <summary>A replica that was silent for this long is dead, and if it is not, its writes are refused.</summary>
    public static readonly TimeSpan Death = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var startedAt = time.GetUtcNow();
        DateTimeOffset? steadySince = null;
        var lastBeat = time.GetTimestamp();
        using var timer = new PeriodicTimer(Beat, time);
        do
        {
            try
            {
                // Somebody who slept himself, or could not reach the database, must not judge others by their silence.
                steadySince = time.GetElapsedTime(lastBeat) > Death / 2 ? null : steadySince;
                lastBeat = time.GetTimestamp();
                await using var beat = database.CreateCommand(
                    """
                    -- replica heartbeat
                    insert into replicas (id, started_at, last_heartbeat) values ($1, $2, clock_timestamp()) on conflict (id) do update set last_heartbeat = clock_timestamp()
                    """);
                beat.Parameters.Add(new() { Value = replica.Value });
                beat.Parameters.Add(new() { Value = startedAt });
                await beat.ExecuteNonQueryAsync(stoppingToken);
                steadySince ??= time.GetUtcNow();
                if (time.GetUtcNow() - steadySince >= Death)
                {
                    await reaper.SweepAsync(stoppingToken);
                }
            }
            catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
            {
                steadySince = null;
                logger.HeartbeatMissed(failure.GetType().Name);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            // An orderly end needs no sweeping: the turns have ended before this.
            await using var leave = database.CreateCommand(
                """
                -- remove replica
                delete from replicas r where id = $1 and not exists (select 1 from stream_sessions s where s.replica_id = r.id and s.status = 'streaming')
                """);
            leave.Parameters.Add(new() { Value = replica.Value });
            await leave.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
        {
            logger.HeartbeatMissed(failure.GetType().Name);
        }
    }
}
