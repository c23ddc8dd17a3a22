using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Sendcat.ApiService.Chat;

/// <summary>One clock for all open streams: whoever was silent for too long is asked to write a comment. A timer for each stream would cost more than the streams.</summary>
internal sealed class KeepAliveTicker(IOptionsMonitor<ChatOptions> options, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Watched, byte> watched = [];

    public Watched Watch(FeedReader reader) => new(this, reader, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var silence = TimeSpan.FromMilliseconds(options.CurrentValue.KeepAliveMs) - Tick;
            foreach (var (stream, _) in watched)
            {
                stream.PingAfter(silence);
            }
        }
    }

    internal sealed class Watched : IDisposable
    {
        private readonly KeepAliveTicker ticker;
        private readonly FeedReader reader;
        private readonly TimeProvider time;
        private long moved;

        public Watched(KeepAliveTicker ticker, FeedReader reader, TimeProvider time)
        {
            (this.ticker, this.reader, this.time) = (ticker, reader, time);
            moved = time.GetTimestamp();
            ticker.watched.TryAdd(this, 0);
        }

        public void Moved() => Volatile.Write(ref moved, time.GetTimestamp());

        public void PingAfter(TimeSpan silence)
        {
            if (time.GetElapsedTime(Volatile.Read(ref moved)) >= silence)
            {
                Moved();
                reader.Ping();
            }
        }

        public void Dispose() => ticker.watched.TryRemove(this, out _);
    }
}
