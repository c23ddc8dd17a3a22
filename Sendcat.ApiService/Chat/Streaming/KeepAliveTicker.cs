using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// One timer for all open streams, with a tick of 1 s: a stream without an event for too long writes a keep-alive comment; one whose
/// sign-in was revoked ends with an error; a connection whose client accepts no data is closed. A timer per stream would cost more than
/// the streams.
/// </summary>
internal sealed class KeepAliveTicker(
    IOptionsMonitor<ChatOptions> options, TimeProvider time, ILogger<KeepAliveTicker> logger) : BackgroundService
{
    /// <summary>
    /// Maximum time that a slow client may take to read the rest after its turn has ended, also while it accepts data: until then the
    /// turn's events stay in memory.
    /// </summary>
    public static readonly TimeSpan MaxDrainAfterEnd = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Ticks that a stream whose sign-in was revoked may take for its last event.</summary>
    private const int MaxCutOffTicks = 2;

    private readonly ConcurrentDictionary<Watched, byte> _watched = [];

    /// <summary>Watches a stream until the result is disposed.</summary>
    /// <param name="abort">Closes the connection, also during a write.</param>
    /// <param name="signIn">Null for a guest.</param>
    public Watched Watch(FeedReader reader, Action abort, SignInOfConnection? signIn = null) =>
        new(this, reader, abort, signIn, time);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Check of open streams", logger, time).EveryAsync(
            Tick,
            _ =>
            {
                CheckStreams();
                return Task.CompletedTask;
            },
            stoppingToken);

    internal void CheckStreams()
    {
        // One tick less, so that the keep-alive is not later than configured.
        var idleLimit = TimeSpan.FromMilliseconds(options.CurrentValue.KeepAliveMs) - Tick;
        var writeTimeout = TimeSpan.FromMilliseconds(options.CurrentValue.WriteTimeoutMs);
        foreach (var (stream, _) in _watched)
        {
            if (stream.BlockedFor(writeTimeout) is not { } blocked)
            {
                if (stream.SignIn is { IsRevoked: true } signIn)
                {
                    if (!stream.TryCutOff())
                    {
                        signIn.Connection.Abort();
                    }

                    continue;
                }

                stream.PingIfIdle(idleLimit);
            }
            else if (stream.Abort())
            {
                logger.ReaderDisconnected((int)blocked.TotalSeconds);
                ChatMetrics.ReaderDisconnected();
            }
        }
    }

    /// <summary>An open stream.</summary>
    internal sealed class Watched : IDisposable
    {
        private readonly KeepAliveTicker _ticker;
        private readonly FeedReader _reader;
        private readonly Action _abort;
        private readonly TimeProvider _time;
        private long _lastActivity;

        // Timestamps; 0 while no flush is blocked, and until the turn is seen to have ended.
        private long _blockedSince;
        private long _endedSince;
        private bool _aborted;
        private int _cutOffTicks;

        public Watched(KeepAliveTicker ticker, FeedReader reader, Action abort, SignInOfConnection? signIn, TimeProvider time)
        {
            (_ticker, _reader, _abort, _time) = (ticker, reader, abort, time);
            SignIn = signIn;
            _lastActivity = time.GetTimestamp();
            ticker._watched.TryAdd(this, 0);
        }

        /// <summary>Null for a guest.</summary>
        public SignInOfConnection? SignIn { get; }

        /// <summary>Data was written; the next keep-alive is due after the idle limit.</summary>
        public void MarkActivity() => Volatile.Write(ref _lastActivity, _time.GetTimestamp());

        /// <summary>A flush is blocked: the buffers of the connection are full until its client reads.</summary>
        public void FlushBlocked() => Volatile.Write(ref _blockedSince, _time.GetTimestamp());

        public void FlushCompleted()
        {
            if (Volatile.Read(ref _blockedSince) != 0)
            {
                Volatile.Write(ref _blockedSince, 0);
            }
        }

        /// <returns>
        /// How long the flush has been blocked, or how long the client has been reading since the turn ended, if that exceeds its limit;
        /// otherwise null.
        /// </returns>
        public TimeSpan? BlockedFor(TimeSpan writeTimeout)
        {
            if (Volatile.Read(ref _blockedSince) is var since && since == 0)
            {
                return null;
            }

            // Not synchronized: only the ticker calls this method.
            _endedSince = _endedSince == 0 && _reader.TurnHasEnded ? _time.GetTimestamp() : _endedSince;
            var blocked = _time.GetElapsedTime(since);
            return blocked >= writeTimeout ? blocked
                : _endedSince != 0 && _time.GetElapsedTime(_endedSince) is var draining && draining >= MaxDrainAfterEnd ? draining
                : null;
        }

        /// <summary>Lets the stream write its last event, because its sign-in was revoked. Call it with every tick.</summary>
        /// <returns>False when that takes too long, or its client accepts no data: its connection must be closed.</returns>
        public bool TryCutOff()
        {
            // Not synchronized: only the ticker calls this method.
            if (Volatile.Read(ref _blockedSince) != 0 || ++_cutOffTicks > MaxCutOffTicks)
            {
                return false;
            }

            _reader.CutOff();
            return true;
        }

        public void PingIfIdle(TimeSpan idleLimit)
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _lastActivity)) >= idleLimit)
            {
                MarkActivity();
                _reader.Ping();
            }
        }

        /// <summary>Closes the connection.</summary>
        /// <returns>False if that was done before and the connection has not ended yet.</returns>
        public bool Abort()
        {
            if (_aborted)
            {
                return false;
            }

            _aborted = true;
            _abort();
            return true;
        }

        public void Dispose() => _ticker._watched.TryRemove(this, out _);
    }
}
