using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Outages;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Mirrors running turns for readers on other replicas: after the first request for a turn, all its events, from the first to the last, are
/// copied into Redis. A turn that no other replica requests is not copied.
/// </summary>
internal sealed class TurnMirrors(
    MirrorStore store, IOptionsMonitor<ChatOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<TurnMirrors> logger) : IHostedService, IDisposable
{
    /// <summary>A remote reader counts as connected for this long after its last request.</summary>
    public static readonly TimeSpan ReaderTimeout = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Guid, Mirror> _mirrors = [];
    private readonly CancellationTokenSource _stopping = new();
    private long _epoch;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Waits for the mirrors to copy their last events. Their turns have ended before, because hosted services stop in reverse order.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_mirrors.Values.Select(mirror => mirror.Running ?? Task.CompletedTask));
    }

    /// <summary>Starts the mirror of a turn, or renews the time for which it counts as read.</summary>
    public void StartOrRenew(LiveTurn turn)
    {
        var mirror = _mirrors.GetOrAdd(
            turn.Start.StreamId,
            _ => new(new TurnMirror(turn, store, () => Interlocked.Increment(ref _epoch), options, time, outages.Redis, logger)));
        mirror.Copy.Renew();
        lock (mirror)
        {
            mirror.Running ??= RunAsync(turn.Start.StreamId, mirror.Copy);
        }
    }

    public void Dispose() => _stopping.Dispose();

    private async Task RunAsync(Guid streamId, TurnMirror copy)
    {
        await copy.RunAsync(_stopping.Token);
        _mirrors.TryRemove(streamId, out _);
    }

    private sealed record Mirror(TurnMirror Copy)
    {
        public Task? Running { get; set; }
    }
}
