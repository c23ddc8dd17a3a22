using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// Synchronizes <see cref="RevokedFamilies"/> with the table: completely before the first request, then at once on a signal of Redis, and
/// every <see cref="Period"/> by a read, also without Redis. A replica without Postgres cannot serve users anyway: every response to a user
/// needs a row.
/// </summary>
internal sealed class RevokedFamilyWatch(
    RevokedFamilies revoked, NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, StoreOutages outages,
    ILogger<RevokedFamilyWatch> logger)
    : BackgroundService, IHostedLifecycleService
{
    /// <summary>The time between two reads. It leaves time for the read itself within the promised five seconds.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private const int ReadTimeoutSeconds = 2;
    private const int MaxIdsPerSignal = 100;

    /// <summary>Every so many reads, one reads all rows and deletes the expired ones. The others read only new rows.</summary>
    private const int ReadsPerFullRead = 30;

    private const string Work = "Reading of revoked sign-ins";

    private static readonly TimeSpan StartRetry = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// A row is committed after its time stamp was taken. Each read therefore goes back this far before the newest time stamp.
    /// </summary>
    private static readonly TimeSpan CommitDelay = TimeSpan.FromMinutes(1);

    private readonly AutoResetSignal _signalled = new(time);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private DateTimeOffset? _newest;

    /// <summary>
    /// Reads all revocations after the migrations and before the server listens, so that a new process does not accept revoked tokens.
    /// </summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        while (!await TryReadAsync(everything: true, cancellationToken))
        {
            await Task.Delay(StartRetry, time, cancellationToken);
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Call it after the commit of the revocation. The revocation is in force on this replica when the call returns, on the others with the
    /// signal or their next read.
    /// </summary>
    public async ValueTask PublishAsync(IReadOnlyCollection<Guid> families)
    {
        foreach (var family in families)
        {
            revoked.Add(family);
        }

        if (families.Count == 0)
        {
            return;
        }

        try
        {
            // An empty message means: too many ids for one message, read the table.
            var message = families.Count <= MaxIdsPerSignal ? string.Join(' ', families) : "";
            await redis.GetSubscriber().PublishAsync(RedisKeys.FamiliesRevoked, message, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            if (!outages.Redis.Records("Signals of revoked sign-ins", exception))
            {
                logger.RevocationSignalLost(exception.GetType().Name);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (subscribed, reads) = (false, 0);
        await new BackgroundLoop(Work, logger, time).RepeatAsync(RoundAsync, stoppingToken);

        async Task RoundAsync(CancellationToken cancellationToken)
        {
            subscribed = subscribed || await SubscribeAsync();
            await _signalled.WaitAsync(Period, cancellationToken);
            var everything = ++reads % ReadsPerFullRead == 0;
            if (await TryReadAsync(everything, cancellationToken) && everything)
            {
                revoked.RemoveExpired();
            }
        }
    }

    private async Task<bool> TryReadAsync(bool everything, CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(everything, cancellationToken);
            _outage.Ends();
            return true;
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_outage.Begins(exception))
            {
                logger.RevocationsNotRead(exception.Message);
            }

            return false;
        }
    }

    private async Task ReadAsync(bool everything, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(everything
            ? """
              -- read all revoked families
              WITH expired AS (DELETE FROM revoked_families WHERE revoked_at < clock_timestamp() - $1)
              SELECT family_id, revoked_at FROM revoked_families WHERE revoked_at >= clock_timestamp() - $1
              """
            : """
              -- read new revoked families
              SELECT family_id, revoked_at FROM revoked_families WHERE revoked_at > $1
              """);
        command.CommandTimeout = ReadTimeoutSeconds;
        command.Parameters.Add(new()
        {
            Value = everything ? RevokedFamilies.Retention : _newest is { } newest ? newest - CommitDelay : DateTimeOffset.UnixEpoch,
        });
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            revoked.Add(rows.GetGuid(0));
            var at = await rows.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken);
            _newest = _newest > at ? _newest : at;
        }
    }

    /// <summary>Subscribes once. The Redis client restores the subscription after a reconnect.</summary>
    private async Task<bool> SubscribeAsync()
    {
        if (!redis.IsConnected)
        {
            return false;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.FamiliesRevoked, (_, message) => Receive(message.ToString()));
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }

    private void Receive(string message)
    {
        foreach (var id in message.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Guid.TryParseExact(id, "D", out var family))
            {
                revoked.Add(family);
            }
        }

        if (message.Length == 0)
        {
            _signalled.Set();
        }
    }
}
