using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>What replicas tell each other about turns: stop this one, show me that one. Every replica hears everything; the owner acts.</summary>
internal sealed class TurnSignals(IConnectionMultiplexer redis, LiveTurns turns, TurnMirrors mirrors, ILogger<TurnSignals> logger) : IHostedService
{
    /// <summary>Stands before the stream id of a turn that is to make room for a newer one, if nobody reads it.</summary>
    public const string Superseding = "supersede|";

    private static readonly RedisChannel Channel = RedisChannel.Literal(RedisKeys.TurnSignals);

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(Channel, (_, message) => Hear(message), CommandFlags.FireAndForget);

    public Task StopAsync(CancellationToken cancellationToken) => redis.GetSubscriber().UnsubscribeAsync(Channel, flags: CommandFlags.FireAndForget);

    /// <summary>The user stopped it.</summary>
    public Task AbortAsync(Guid streamId) => TellAsync($"abort|{streamId}");

    /// <summary>A newer turn takes its place, if nobody reads it.</summary>
    public Task SupersedeAsync(Guid streamId) => TellAsync(Superseding + streamId);

    /// <summary>A reader on another replica wants it, now and for as long as this is repeated.</summary>
    public Task ShowAsync(Guid streamId) => TellAsync($"show|{streamId}");

    private async Task TellAsync(string signal)
    {
        try
        {
            using var span = RedisSpan.Start("signal turn", "PUBLISH");
            await redis.GetSubscriber().PublishAsync(Channel, signal);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
        }
    }

    private void Hear(string? signal)
    {
        if (signal?.Split('|') is not [var verb, var id] || !Guid.TryParse(id, out var streamId) || turns.ByStream(streamId) is not { } turn)
        {
            return;
        }

        switch (verb)
        {
            case "abort":
                turn.End(TurnEnding.UserAbort);
                break;
            case "supersede":
                turn.Supersede();
                break;
            case "show":
                mirrors.Show(turn);
                break;
        }
    }
}
