using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Copies one turn into its mirror, from the first event to the last, and renews the mirror until then, also while the turn is silent. A
/// mirror that Redis lost is written again in a new epoch.
/// </summary>
/// <param name="nextEpoch">Returns a higher number with each call.</param>
internal sealed class TurnMirror(
    LiveTurn turn, MirrorStore store, Func<long> nextEpoch, IOptionsMonitor<ChatOptions> options, TimeProvider time, StoreOutage redis,
    ILogger logger)
{
    /// <summary>Expiry of the mirror after the last event, so that slow remote readers can read the rest.</summary>
    private static readonly TimeSpan TtlAfterEnd = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private LiveTurn.ReaderRegistration? _registration;
    private FeedReader? _reader;
    private long _renewedAt;
    private long _failingSince;

    private TimeSpan Ttl => TimeSpan.FromMilliseconds(options.CurrentValue.MirrorTtlMs);

    /// <summary>A remote reader has requested the mirror: the turn counts as read, and a lost mirror is written again at once.</summary>
    public void Renew()
    {
        Volatile.Write(ref _renewedAt, time.GetTimestamp());
        Volatile.Read(ref _reader)?.Ping();
    }

    /// <summary>Copies until the turn has ended. Does not throw.</summary>
    /// <param name="stopping">Cancelled when the host stops: an unavailable Redis is then not retried.</param>
    public async Task RunAsync(CancellationToken stopping)
    {
        await using var renewal = time.CreateTimer(
            static mirror => Volatile.Read(ref ((TurnMirror)mirror!)._reader)?.Ping(), this, Ttl / 3, Ttl / 3);
        UpdateRegistration();
        try
        {
            while (true)
            {
                try
                {
                    if (await CopyFromFirstEventAsync())
                    {
                        return;
                    }

                    logger.MirrorLost(turn.Start.StreamId);
                    ChatMetrics.MirrorLost();
                }
                catch (Exception failure) when (RedisFailure.Is(failure))
                {
                    if (!IsRetried(failure, stopping))
                    {
                        return;
                    }

                    UpdateRegistration();
                    await Task.Delay(RetryInterval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        finally
        {
            _registration?.Dispose();
        }
    }

    /// <returns>True when the last event is copied; false when Redis lost the mirror.</returns>
    private async Task<bool> CopyFromFirstEventAsync()
    {
        using var reader = turn.Feed.Open();
        Volatile.Write(ref _reader, reader);
        var (epoch, position) = (nextEpoch(), 0L);
        MirrorEntry? last = null;
        var batch = new List<MirrorEntry>();
        while (true)
        {
            var read = FeedRead.Nothing;
            while (batch.Count < MirrorStore.MaxBatch && (read = reader.TryRead(out var chatEvent)) == FeedRead.Event)
            {
                batch.Add(new(epoch, position, chatEvent!));
                position = batch[^1].End;
            }

            if (batch.Count > 0 || (reader.TakePing() && last is not null))
            {
                if (!await store.AppendAsync(turn.Start.StreamId, last, batch, read == FeedRead.End ? TtlAfterEnd : Ttl))
                {
                    return false;
                }

                last = batch.Count > 0 ? batch[^1] : last;
                batch.Clear();
                _failingSince = 0;
            }

            UpdateRegistration();
            if (read == FeedRead.End)
            {
                return true;
            }

            if (read == FeedRead.Nothing)
            {
                await reader.WaitAsync();
            }
        }
    }

    /// <summary>
    /// Without a recent request the remote readers have left: the turn may then count as detached. Copying continues.
    /// </summary>
    private void UpdateRegistration()
    {
        var hasReaders = time.GetElapsedTime(Volatile.Read(ref _renewedAt)) < TurnMirrors.ReaderTimeout;
        if (hasReaders != _registration is not null)
        {
            _registration?.Dispose();
            _registration = hasReaders ? turn.Join() : null;
        }
    }

    private bool IsRetried(Exception failure, CancellationToken stopping)
    {
        if (_failingSince == 0)
        {
            _failingSince = time.GetTimestamp();
            if (!redis.Records("Mirror of a turn", failure))
            {
                logger.MirrorFailed(turn.Start.StreamId, failure.GetType().Name);
            }
        }

        return !stopping.IsCancellationRequested
            && !(turn.Feed.Completed && time.GetElapsedTime(_failingSince) >= RemoteTurn.MaxAbsence);
    }
}
