using Npgsql;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Keeps <see cref="RevokedFamilies"/> equal to the table: complete before the first request, then on a signal at once and by a read every <see cref="Period"/>, with Redis or without. A replica
/// that is cut off from Postgres serves nobody either: every answer to a user needs a row.
/// </summary>
internal sealed class RevokedFamilyWatch(RevokedFamilies revoked, NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, ILogger<RevokedFamilyWatch> logger)
    : BackgroundService, IHostedLifecycleService
{
    /// <summary>Leaves room for the read itself within the promised five seconds.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private const int ReadTimeoutSeconds = 2;
    private const int MostInSignal = 100;

    /// <summary>So many reads of what is new, then one of everything, and the expired rows are deleted.</summary>
    private const int ReadsBetweenFullReads = 30;

    private static readonly TimeSpan StartRetry = TimeSpan.FromMilliseconds(200);

    /// <summary>A row may be committed a moment after its time stamp was taken.</summary>
    private static readonly TimeSpan CommitDelay = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _signalled = new(0, 1);
    private DateTimeOffset? _newest;
    private bool _failing;

    /// <summary>After the schema was brought up to date, before the server listens: a process that starts must not readmit anybody.</summary>
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

    /// <summary>Call it when the revocation is committed. In force here when it returns, on the other replicas with the signal or their next read.</summary>
    public async ValueTask AnnounceAsync(IReadOnlyCollection<Guid> families)
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
            // Empty: too many to name, read the table.
            var named = families.Count <= MostInSignal ? string.Join(' ', families) : "";
            await redis.GetSubscriber().PublishAsync(RedisKeys.FamiliesRevoked, named, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            logger.RevocationSignalLost(exception.GetType().Name);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _signalled.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var subscribed = false;
        for (var reads = 1; !stoppingToken.IsCancellationRequested; reads++)
        {
            subscribed = subscribed || await SubscribeAsync();
            await WaitAsync(stoppingToken);
            var everything = reads % ReadsBetweenFullReads == 0;
            if (await TryReadAsync(everything, stoppingToken) && everything)
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
            _failing = false;
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_failing)
            {
                _failing = true;
                logger.RevocationsUnread(exception.Message);
            }

            return false;
        }
    }

    private async Task ReadAsync(bool everything, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(everything
            ? """
              -- read all revoked families
              WITH expired AS (DELETE FROM revoked_families WHERE revoked_at < clock_timestamp() - $1) SELECT family_id, revoked_at FROM revoked_families WHERE revoked_at >= clock_timestamp() - $1
              """
            : """
              -- read new revoked families
              SELECT family_id, revoked_at FROM revoked_families WHERE revoked_at > $1
              """);
        command.CommandTimeout = ReadTimeoutSeconds;
        command.Parameters.Add(new() { Value = everything ? RevokedFamilies.Kept : _newest is { } newest ? newest - CommitDelay : DateTimeOffset.UnixEpoch });
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            revoked.Add(rows.GetGuid(0));
            var at = await rows.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken);
            _newest = _newest > at ? _newest : at;
        }
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        using var period = new CancellationTokenSource(Period, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, period.Token);
        try
        {
            await _signalled.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The period is over, or the host stops: the loop knows which.
        }
    }

    /// <summary>The client subscribes anew by itself after a reconnect.</summary>
    private async Task<bool> SubscribeAsync()
    {
        if (!redis.IsConnected)
        {
            return false;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.FamiliesRevoked, (_, named) => Receive(named.ToString()));
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }

    private void Receive(string named)
    {
        foreach (var id in named.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Guid.TryParseExact(id, "D", out var family))
            {
                revoked.Add(family);
            }
        }

        if (named.Length > 0)
        {
            return;
        }

        try
        {
            _signalled.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // One pending signal is as good as many, and a host that has stopped needs none.
        }
    }
}
