using System.Globalization;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Signals between replicas about turns: abort, supersede, replace, mirror. Redis pub/sub delivers each signal to every replica at most
/// once; the replica that runs the turn acts on it. A Redis failure is logged and not thrown.
/// </summary>
internal sealed class TurnSignals(
    IConnectionMultiplexer redis, ReplicaId replica, LiveTurns turns, StartingTurns startings, TurnMirrors mirrors, TimeProvider time,
    StoreOutages outages, ILogger<TurnSignals> logger) : IHostedService
{
    /// <summary>Prefix of the signal that supersedes a turn; the stream id follows.</summary>
    public const string SupersedePrefix = "supersede|";

    /// <summary>
    /// How long a request waits for the response to a signal. A Redis that hangs still gets the signal when it continues.
    /// </summary>
    public static readonly TimeSpan ResponseTimeout = TimeSpan.FromMilliseconds(500);

    private static readonly RedisChannel Channel = RedisChannel.Literal(RedisKeys.TurnSignals);

    private readonly WorkOutage _outage = new("Turn signals", outages.Redis, logger, time);

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(Channel, (_, message) => Handle(message), CommandFlags.FireAndForget);

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(Channel, flags: CommandFlags.FireAndForget);

    /// <summary>Ends a turn because its user has aborted it.</summary>
    public Task AbortAsync(Guid streamId) => PublishAsync($"abort|{streamId}");

    /// <summary>
    /// Ends all turns of a thread on the other replicas because its user has aborted them, also those that are not persisted yet or are
    /// starting. A signal may arrive late, so it ends no turn whose request was received after the abort, by the clocks of the replicas.
    /// This replica ignores it.
    /// </summary>
    /// <param name="at">The time of the abort.</param>
    public Task AbortThreadAsync(Guid threadId, DateTimeOffset at) => PublishAsync(AbortOf("abort-thread", threadId, at));

    /// <summary>As <see cref="AbortThreadAsync"/>, for a thread that need not exist yet.</summary>
    /// <param name="name">See <see cref="StartingTurns.NameOf"/>.</param>
    /// <param name="at">The time of the abort.</param>
    public Task AbortNamedAsync(Guid name, DateTimeOffset at) => PublishAsync(AbortOf("abort-named", name, at));

    /// <summary>Ends a turn at once, because a newer one replaces its answer.</summary>
    public Task ReplaceAsync(Guid streamId) => PublishAsync($"replace|{streamId}");

    /// <summary>Ends a turn in favour of a newer one: at once if it has no reader, else when its last reader leaves.</summary>
    public Task SupersedeAsync(Guid streamId) => PublishAsync(SupersedePrefix + streamId);

    /// <summary>
    /// Requests the mirror of a turn for a reader on this replica. Repeat it more often than <see cref="TurnMirrors.ReaderTimeout"/> while
    /// the reader is connected.
    /// </summary>
    public Task RequestMirrorAsync(Guid streamId) => PublishAsync($"show|{streamId}");

    private string AbortOf(string verb, Guid id, DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{verb}|{id}|{replica.Value}|{at.UtcTicks}");

    private async Task PublishAsync(string signal)
    {
        try
        {
            using var span = RedisSpan.Start("signal turn", "PUBLISH");
            await redis.GetSubscriber().PublishAsync(Channel, signal).WaitAsync(ResponseTimeout, time);
            _outage.Ends();
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            if (_outage.Begins(failure))
            {
                logger.DirectoryUnreachable(failure.GetType().Name);
            }
        }
    }

    private void Handle(string? signal)
    {
        if (signal?.Split('|') is not [var verb, var text, .. var more] || !Guid.TryParse(text, out var id))
        {
            return;
        }

        if (verb is "abort-thread" or "abort-named")
        {
            if (more is [var sender, var ticks] && sender != replica.Value.ToString()
                && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
                && at <= DateTimeOffset.MaxValue.UtcTicks)
            {
                Abort(id, isName: verb == "abort-named", new DateTimeOffset(at, TimeSpan.Zero));
            }

            return;
        }

        if (turns.ByStream(id) is not { } turn)
        {
            return;
        }

        switch (verb)
        {
            case "replace":
                turn.End(TurnEnding.Superseded);
                break;
            case "abort":
                turn.End(TurnEnding.UserAbort);
                break;
            case "supersede":
                turn.Supersede();
                break;
            case "show":
                mirrors.StartOrRenew(turn);
                break;
        }
    }

    private void Abort(Guid id, bool isName, DateTimeOffset at)
    {
        // Starting before running: a turn that begins in between is found as a running one.
        startings.Abort(id, at);
        foreach (var running in (isName ? turns.Named(id) : turns.OfThread(id)).Where(turn => turn.ReceivedAt <= at))
        {
            running.End(TurnEnding.UserAbort);
        }
    }
}
