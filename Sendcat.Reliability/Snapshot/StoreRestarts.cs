using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Snapshot;

/// <summary>Marks restarts of Redis and Postgres in the timeline, by their run id and their start time, which it reads every 15
/// s.</summary>
internal sealed class StoreRestarts(
    IConnectionMultiplexer redis, NpgsqlDataSource database, IncidentMarks marks, TimeProvider time, StoreOutages outages,
    ILogger<StoreRestarts> logger) : BackgroundService
{
    private const string Work = "Watch of the stores";
    private const string RunId = "run_id";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, string> _redisRuns = new(StringComparer.Ordinal);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private string? _postgresRun;

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        await LookAtRedisAsync();
        await LookAtPostgresAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await LookAsync(cancellationToken);
                await Task.Delay(Period, time, cancellationToken);
            },
            stoppingToken);

    private async Task LookAtRedisAsync()
    {
        foreach (var server in redis.GetServers().Where(server => server.IsConnected))
        {
            try
            {
                var lines = (string?)await server.ExecuteAsync("INFO", "server").WaitAsync(ResponseTimeout, time) ?? "";
                var run = lines.Split('\n')
                    .FirstOrDefault(line => line.StartsWith(RunId + ':', StringComparison.Ordinal))?[(RunId.Length + 1)..].Trim();
                if (run is not { Length: > 0 })
                {
                    continue;
                }

                var address = server.EndPoint.ToString() ?? "";
                if (_redisRuns.TryGetValue(address, out var known) && known != run)
                {
                    marks.Record(
                        new(IncidentKind.RedisRestarted, "redis", "Redis was restarted", $"redis|{run}") { Detail = $"run id {run}" });
                }

                _redisRuns[address] = run;
            }
            catch (Exception exception) when (RedisFailure.Is(exception))
            {
                // The heartbeat reports outages of Redis; its new run id is seen when it is back.
            }
        }
    }

    private async Task LookAtPostgresAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.CreateCommand(
                """
                -- find start of database
                SELECT to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
                """);
            var run = (string)(await command.ExecuteScalarAsync(cancellationToken))!;
            if (_postgresRun is { } known && known != run)
            {
                marks.Record(
                    new(IncidentKind.PostgresRestarted, "postgres", "Postgres was restarted",
                    $"postgres|{run}") { Detail = $"started at {run}Z" });
            }

            _postgresRun = run;
            _outage.Ends();
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            if (!cancellationToken.IsCancellationRequested && _outage.Begins(exception))
            {
                logger.StoresUnseen(exception.Message);
            }
        }
    }
}
