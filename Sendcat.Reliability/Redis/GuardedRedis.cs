using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Asks Redis for decisions that must not wait: an answer within the decision time, or none. When it stays silent three times in a row it is left alone for a
/// moment, with one call in between to find out, so that a hanging Redis costs its callers nothing.
/// </summary>
internal sealed class GuardedRedis(IConnectionMultiplexer connection, IOptionsMonitor<RedisOptions> options, TimeProvider time, ReliabilityMetrics metrics, ILogger<GuardedRedis> logger)
{
    private const int Patience = 3;

    private int _missed;
    private long _suspendedUntil;

    public IDatabase Database { get; } = connection.GetDatabase();

    /// <summary>It is away, or was silent a moment ago: what can be left undone should be.</summary>
    public bool IsSilent => !connection.IsConnected || (Volatile.Read(ref _missed) >= Patience && time.GetTimestamp() < Volatile.Read(ref _suspendedUntil));

    /// <returns>The answer; null when Redis is away, too slow or unwell.</returns>
    public ValueTask<RedisResult?> EvaluateAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        !connection.IsConnected ? Away("disconnected")
        : IsSuspended() ? Away("suspended")
        : WaitAsync(script, keys, arguments, TimeSpan.FromMilliseconds(options.CurrentValue.DecisionTimeoutMs), cancellationToken);

    /// <summary>The same for upkeep that no caller waits for.</summary>
    public ValueTask<RedisResult?> MaintainAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken) =>
        connection.IsConnected ? WaitAsync(script, keys, arguments, TimeSpan.FromSeconds(2), cancellationToken) : Away("disconnected");

    private async ValueTask<RedisResult?> WaitAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments, TimeSpan patience, CancellationToken cancellationToken)
    {
        var call = script.CallAsync(Database, keys, arguments);
        await WaitAwakeAsync(call, patience, cancellationToken);
        if (RedisScript.IsUnknown(call))
        {
            // An answer, and a quick one: the second call has the whole time again. Without it, a burst after a flush would be decided by every replica for itself.
            call = script.LoadAndCallAsync(Database, keys, arguments);
            await WaitAwakeAsync(call, patience, cancellationToken);
        }

        if (call.IsCompletedSuccessfully)
        {
            Answered();
            return await call;
        }

        Observe(call);
        if (!call.IsCompleted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Missed($"no answer within {patience.TotalMilliseconds:0} ms", "timeout");
            return null;
        }

        if (call.Exception?.InnerException is not { } failure || !RedisFailure.Is(failure))
        {
            // Not Redis: the caller hears of it as it is.
            return await call;
        }

        Missed(failure.Message, failure is RedisServerException ? "error" : failure is TimeoutException ? "timeout" : "disconnected");
        return null;
    }

    /// <summary>
    /// Waits until the call has ended, well or not, or its time is over. A clock that rings late was itself kept waiting: the answer may lie in our socket, unread for the same reason, and gets the time once
    /// more.
    /// </summary>
    private async ValueTask WaitAwakeAsync(Task call, TimeSpan patience, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        await call.WaitAsync(patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!call.IsCompleted && !cancellationToken.IsCancellationRequested && time.GetElapsedTime(asked) > patience * 1.2)
        {
            await call.WaitAsync(patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private ValueTask<RedisResult?> Away(string why)
    {
        metrics.RedisUnavailable(why);
        return default;
    }

    /// <summary>Lets one caller through whenever a suspension has run out.</summary>
    private bool IsSuspended()
    {
        if (Volatile.Read(ref _missed) < Patience)
        {
            return false;
        }

        var until = Volatile.Read(ref _suspendedUntil);
        var now = time.GetTimestamp();
        return now < until || Interlocked.CompareExchange(ref _suspendedUntil, now + Suspension(), until) != until;
    }

    private void Answered()
    {
        if (Volatile.Read(ref _missed) != 0 && Interlocked.Exchange(ref _missed, 0) >= Patience)
        {
            logger.RedisIsBack();
        }
    }

    private void Missed(string error, string cause)
    {
        Interlocked.Exchange(ref _suspendedUntil, time.GetTimestamp() + Suspension());
        if (Interlocked.Increment(ref _missed) == Patience)
        {
            logger.RedisIsAway(error);
        }

        metrics.RedisUnavailable(cause);
    }

    private long Suspension() => options.CurrentValue.SuspendMs * time.TimestampFrequency / 1000;

    private static void Observe(Task call) =>
        _ = call.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
