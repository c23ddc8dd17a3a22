using Microsoft.Extensions.Options;
using Sendcat.Reliability.Outages;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Runs scripts in Redis with a timeout: a call returns a response within the decision timeout, or none. After three failures in a row
/// calls are suspended for <see cref="RedisOptions.SuspendMs"/>; then one call at a time tests whether Redis responds again. So a hanging
/// Redis does not delay its callers.
/// </summary>
internal sealed class GuardedRedis(
    IConnectionMultiplexer connection, IOptionsMonitor<RedisOptions> options, TimeProvider time, ReliabilityMetrics metrics,
    StoreOutages outages)
{
    /// <summary>Failures in a row that suspend calls.</summary>
    private const int MaxFailures = 3;

    private const string Work = "decisions, which are made without it";

    private static readonly RedisScript Ping = RedisScript.Embedded("ping.lua");

    private readonly StoreOutage _outage = Watch(connection, outages.Redis);
    private int _failures;
    private long _suspendedUntil;

    public IDatabase Database { get; } = connection.GetDatabase();

    /// <summary>True while Redis is disconnected or calls are suspended. Callers should skip work that is optional.</summary>
    public bool IsUnresponsive =>
        !connection.IsConnected
            || (Volatile.Read(ref _failures) >= MaxFailures && time.GetTimestamp() < Volatile.Read(ref _suspendedUntil));

    /// <summary>
    /// Whether Redis responds now: false while it is disconnected, and when it does not respond twice in a row within the decision timeout.
    /// A connection to a Redis that hangs stays connected. A response ends a suspension.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public async ValueTask<bool> RespondsAsync(CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(options.CurrentValue.DecisionTimeoutMs);
        return connection.IsConnected
            && (await WaitAsync(Ping, [], [], timeout, cancellationToken) is not null
                || await WaitAsync(Ping, [], [], timeout, cancellationToken) is not null);
    }

    /// <summary>Runs a script on the path of a caller, with the timeout <see cref="RedisOptions.DecisionTimeoutMs"/>.</summary>
    /// <returns>The response; null when Redis is disconnected, suspended, too slow or reports an error.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public ValueTask<RedisResult?> EvaluateAsync(
        RedisScript script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        !connection.IsConnected ? Unavailable("disconnected")
        : IsSuspended() ? Unavailable("suspended")
        : WaitAsync(script, keys, arguments, TimeSpan.FromMilliseconds(options.CurrentValue.DecisionTimeoutMs), cancellationToken);

    /// <summary>Runs a script for background upkeep that no caller waits for: timeout 2 s, and a suspension does not stop it.</summary>
    /// <returns>The response; null when Redis is disconnected, too slow or reports an error.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled before Redis responded.</exception>
    public ValueTask<RedisResult?> MaintainAsync(
        RedisScript script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        connection.IsConnected
            ? WaitAsync(script, keys, arguments, TimeSpan.FromSeconds(2), cancellationToken)
            : Unavailable("disconnected");

    private async ValueTask<RedisResult?> WaitAsync(
        RedisScript script, RedisKey[] keys, RedisValue[] arguments, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var call = script.CallAsync(Database, keys, arguments);
        await WaitWithGraceAsync(call, timeout, cancellationToken);
        if (RedisScript.IsUnknown(call))
        {
            // NOSCRIPT is a response and comes quickly, so the second call gets the full timeout again. Otherwise every replica would
            // decide a burst after a flush on its own.
            call = script.LoadAndCallAsync(Database, keys, arguments);
            await WaitWithGraceAsync(call, timeout, cancellationToken);
        }

        if (call.IsCompletedSuccessfully)
        {
            RecordSuccess();
            return await call;
        }

        ObserveException(call);
        if (!call.IsCompleted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RecordFailure($"no response within {timeout.TotalMilliseconds:0} ms", "timeout");
            return null;
        }

        var failure = call.IsCanceled ? new TaskCanceledException(call) : call.Exception?.InnerException;
        if (failure is null || !RedisFailure.Is(failure))
        {
            // The response came after the check above, or it is not a failure of Redis: the caller gets the exception unchanged.
            return await call;
        }

        RecordFailure(
            failure.Message, failure is RedisServerException ? "error" : failure is TimeoutException ? "timeout" : "disconnected");
        return null;
    }

    /// <summary>
    /// Waits until the call ends or the timeout passes. When the timer itself fires late (more than 20 %), this process was starved: the
    /// response may lie unread in the socket for the same reason. Then the call gets the timeout once more.
    /// </summary>
    private async ValueTask WaitWithGraceAsync(Task call, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        await call.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!call.IsCompleted && !cancellationToken.IsCancellationRequested && time.GetElapsedTime(started) > timeout * 1.2)
        {
            await call.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static StoreOutage Watch(IConnectionMultiplexer connection, StoreOutage outage)
    {
        connection.ConnectionFailed += (_, lost) =>
        {
            // The connection of the subscriptions fails and returns at other times.
            if (lost is { ConnectionType: ConnectionType.Interactive, FailureType: not ConnectionFailureType.ConnectionDisposed })
            {
                outage.Fails(Work, $"connection lost ({lost.FailureType})");
            }
        };
        connection.ConnectionRestored += (_, restored) =>
        {
            if (restored.ConnectionType is ConnectionType.Interactive)
            {
                outage.Works();
            }
        };
        return outage;
    }

    private ValueTask<RedisResult?> Unavailable(string cause)
    {
        if (!connection.IsConnected)
        {
            _outage.Fails(Work, cause);
        }

        metrics.RedisUnavailable(cause);
        return default;
    }

    /// <summary>Lets one call through each time a suspension has run out: the exchange succeeds for one caller only.</summary>
    private bool IsSuspended()
    {
        if (Volatile.Read(ref _failures) < MaxFailures)
        {
            return false;
        }

        var until = Volatile.Read(ref _suspendedUntil);
        var now = time.GetTimestamp();
        return now < until || Interlocked.CompareExchange(ref _suspendedUntil, now + Suspension(), until) != until;
    }

    private void RecordSuccess()
    {
        if (Volatile.Read(ref _failures) != 0)
        {
            Interlocked.Exchange(ref _failures, 0);
        }

        _outage.Works();
    }

    private void RecordFailure(string error, string cause)
    {
        Interlocked.Exchange(ref _suspendedUntil, time.GetTimestamp() + Suspension());
        if (Interlocked.Increment(ref _failures) >= MaxFailures)
        {
            _outage.Fails(Work, error);
        }

        metrics.RedisUnavailable(cause);
    }

    private long Suspension() => options.CurrentValue.SuspendMs * time.TimestampFrequency / 1000;

    private static void ObserveException(Task call) =>
        _ = call.ContinueWith(
            static late => _ = late.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
}
