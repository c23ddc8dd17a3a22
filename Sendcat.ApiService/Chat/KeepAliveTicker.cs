using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// One clock for all open streams: whoever was silent for too long is asked to write a comment, a connection whose reader takes nothing is closed, and so is one whose sign-in was revoked. A timer for each
/// stream would cost more than the streams.
/// </summary>
internal sealed class KeepAliveTicker(IOptionsMonitor<ChatOptions> options, TimeProvider time, ILogger<KeepAliveTicker> logger) : BackgroundService
{
    /// <summary>A reader that is that much behind when its turn has ended reads for the memory that it holds.</summary>
    public static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Watched, byte> watched = [];

    /// <param name="abort">Closes the connection, whatever it is doing.</param>
    /// <param name="signIn">Null for a guest.</param>
    public Watched Watch(FeedReader reader, Action abort, SignInOfConnection? signIn = null) => new(this, reader, abort, signIn, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Look();
        }
    }

    internal void Look()
    {
        var silence = TimeSpan.FromMilliseconds(options.CurrentValue.KeepAliveMs) - Tick;
        var patience = TimeSpan.FromMilliseconds(options.CurrentValue.WriteTimeoutMs);
        foreach (var (stream, _) in watched)
        {
            if (stream.Stuck(patience) is not { } stuck)
            {
                if (stream.SignIn is { IsRevoked: true } signIn)
                {
                    signIn.Connection.Abort();
                    continue;
                }

                stream.PingAfter(silence);
            }
            else if (stream.Cut())
            {
                logger.ReaderCut((int)stuck.TotalSeconds);
                ChatMetrics.ReaderCut();
            }
        }
    }

    internal sealed class Watched : IDisposable
    {
        private readonly KeepAliveTicker ticker;
        private readonly FeedReader reader;
        private readonly Action abort;
        private readonly TimeProvider time;
        private long moved;
        private long waitingSince;
        private long overSince;
        private bool cut;

        public Watched(KeepAliveTicker ticker, FeedReader reader, Action abort, SignInOfConnection? signIn, TimeProvider time)
        {
            (this.ticker, this.reader, this.abort, this.time) = (ticker, reader, abort, time);
            SignIn = signIn;
            moved = time.GetTimestamp();
            ticker.watched.TryAdd(this, 0);
        }

        /// <summary>Null for a guest.</summary>
        public SignInOfConnection? SignIn { get; }

        public void Moved() => Volatile.Write(ref moved, time.GetTimestamp());

        /// <summary>The connection took no more: its reader has to read.</summary>
        public void Waits() => Volatile.Write(ref waitingSince, time.GetTimestamp());

        public void WaitsNoMore()
        {
            if (Volatile.Read(ref waitingSince) != 0)
            {
                Volatile.Write(ref waitingSince, 0);
            }
        }

        /// <returns>For how long the reader has taken nothing, or not everything, when that is too long.</returns>
        public TimeSpan? Stuck(TimeSpan patience)
        {
            if (Volatile.Read(ref waitingSince) is var since && since == 0)
            {
                return null;
            }

            // Asked by the ticker alone.
            overSince = overSince == 0 && reader.TurnIsOver ? time.GetTimestamp() : overSince;
            var waited = time.GetElapsedTime(since);
            return waited >= patience ? waited
                : overSince != 0 && time.GetElapsedTime(overSince) is var rest && rest >= LongestRest ? rest
                : null;
        }

        public void PingAfter(TimeSpan silence)
        {
            if (time.GetElapsedTime(Volatile.Read(ref moved)) >= silence)
            {
                Moved();
                reader.Ping();
            }
        }

        /// <returns>False: it was done before, and the connection is about to end.</returns>
        public bool Cut()
        {
            if (cut)
            {
                return false;
            }

            cut = true;
            abort();
            return true;
        }

        public void Dispose() => ticker.watched.TryRemove(this, out _);
    }
}
