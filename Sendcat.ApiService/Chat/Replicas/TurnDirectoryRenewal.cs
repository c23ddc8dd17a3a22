using Microsoft.Extensions.Options;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Keeps the entries of this process's turns in the <see cref="TurnDirectory"/> as long as the turns run: renews them, and writes them
/// again when the connection to Redis is restored, because Redis may have lost them.
/// </summary>
internal sealed class TurnDirectoryRenewal(
    IConnectionMultiplexer redis, LiveTurns turns, TurnDirectory directory, IOptionsMonitor<ChatOptions> options, TimeProvider time,
    ILogger<TurnDirectoryRenewal> logger) : BackgroundService
{
    private readonly AutoResetSignal _restored = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        redis.ConnectionRestored += OnConnectionRestored;
        try
        {
            await new BackgroundLoop("Renewal of the turn directory", logger, time).RepeatAsync(RoundAsync, stoppingToken);
        }
        finally
        {
            redis.ConnectionRestored -= OnConnectionRestored;
        }
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        var restored = await _restored.WaitAsync(TurnDirectory.RenewalInterval, cancellationToken);
        var running = turns.NewestOfThreads();
        await directory.RenewAsync(running);
        if (restored)
        {
            MarkDetachedAgain(running);
        }
    }

    private void OnConnectionRestored(object? sender, ConnectionFailedEventArgs restored) => _restored.Set();

    private void MarkDetachedAgain(IEnumerable<LiveTurn> running)
    {
        var grace = TimeSpan.FromMilliseconds(options.CurrentValue.DetachGraceMs);
        foreach (var turn in running)
        {
            turn.IfDetached(() => directory.MarkDetached(turn.Start, grace));
        }
    }
}
