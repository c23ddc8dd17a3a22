using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Updates the row of this process in <c>replicas</c> every 2 s. This one heartbeat covers all turns of the process. Also runs the
/// <see cref="TurnReaper"/>.
/// </summary>
internal sealed class ReplicaHeartbeat(
    NpgsqlDataSource database, ReplicaId replica, TurnReaper reaper, TimeProvider time, StoreOutages outages,
    ILogger<ReplicaHeartbeat> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A replica without a heartbeat for this long counts as dead and its turns are closed. If it still runs, its later writes to these
    /// turns have no effect.
    /// </summary>
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(10);

    private const string Work = "Replica heartbeat";

    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private long _lastHeartbeat = time.GetTimestamp();

    /// <summary>Since when the heartbeat has been regular; null after a failed round.</summary>
    private DateTimeOffset? _healthySince;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        await new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await BeatAsync(cancellationToken);
                await timer.WaitForNextTickAsync(cancellationToken);
            },
            stoppingToken);
    }

    /// <summary>
    /// A process that was suspended, or could not reach Postgres, must not declare others dead: their heartbeats may be late for the same
    /// reason. It reaps only after its own heartbeat has been regular for <see cref="DeadAfter"/>.
    /// </summary>
    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        var healthySince = time.GetElapsedTime(_lastHeartbeat) > DeadAfter / 2 ? null : _healthySince;
        (_lastHeartbeat, _healthySince) = (time.GetTimestamp(), null);
        try
        {
            await using var heartbeat = database.CreateCommand(
                """
                -- replica heartbeat
                INSERT INTO replicas (id, started_at, last_heartbeat) VALUES ($1, $2, clock_timestamp())
                  ON CONFLICT (id) DO UPDATE SET last_heartbeat = clock_timestamp()
                """);
            heartbeat.Parameters.Add(new() { Value = replica.Value });
            heartbeat.Parameters.Add(new() { Value = _startedAt });
            await heartbeat.ExecuteNonQueryAsync(cancellationToken);
            healthySince ??= time.GetUtcNow();
            if (time.GetUtcNow() - healthySince >= DeadAfter)
            {
                await reaper.SweepAsync(cancellationToken);
            }

            _healthySince = healthySince;
            _outage.Ends();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            Missed(failure);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            // After a graceful shutdown there is nothing to reap: the turns have ended before. The row stays if one of them is still open
            // in Postgres.
            await using var remove = database.CreateCommand(
                """
                -- remove replica
                DELETE FROM replicas r
                  WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM stream_sessions s WHERE s.replica_id = r.id AND s.status = 'streaming')
                """);
            remove.Parameters.Add(new() { Value = replica.Value });
            await remove.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            Missed(failure);
        }
    }

    private void Missed(Exception failure)
    {
        if (_outage.Begins(failure))
        {
            logger.HeartbeatMissed(failure.GetType().Name);
        }
    }
}
