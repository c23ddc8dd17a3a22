using System.IO.Pipelines;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The requests of this process that hold a large message while it is being read, so that their memory is bounded. Each principal, the
/// guests of each address, and all callers that no header or cookie identifies have a share of the slots, and a sender that is too slow
/// loses its slot: nobody can keep the slots from the others.
/// </summary>
internal sealed class LargeMessages(TimeProvider time)
{
    /// <summary>Bytes of a message beyond which it needs a slot.</summary>
    public const int LeastBytes = 512 * 1024;

    /// <summary>Most slots.</summary>
    public const int Slots = 16;

    /// <summary>Most slots of one principal.</summary>
    public const int SlotsPerPrincipal = 2;

    /// <summary>Most slots of the guests of one address, and of all callers that are not identified.</summary>
    public const int Share = 4;

    /// <summary>The slowest rate at which the bytes after <see cref="LeastBytes"/> may arrive.</summary>
    public const int LeastBytesPerSecond = 16 * 1024;

    /// <summary>The time for which a sender may be slower.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);

    /// <param name="principal">Null: no header and no cookie identifies the caller.</param>
    /// <param name="addresses">The limit keys of the caller's address; guests of one address share slots.</param>
    /// <returns>Null if no slot is free for this caller. Dispose the slot when the message is read.</returns>
    public Slot? TryTake(Principal? principal, IReadOnlyList<LimitKey> addresses)
    {
        List<(string Key, int Cap)> limits =
        [
            ("all", Slots), principal is null ? ("unidentified", Share) : (principal.Key, SlotsPerPrincipal),
        ];
        if (principal is { HasGuestLimits: true })
        {
            limits.AddRange(addresses.Select(address => (address.Name, Share * address.Times)));
        }

        lock (_gate)
        {
            if (limits.Exists(limit => _taken.GetValueOrDefault(limit.Key) >= limit.Cap))
            {
                return null;
            }

            limits.ForEach(limit => _taken[limit.Key] = _taken.GetValueOrDefault(limit.Key) + 1);
        }

        return new(this, [.. limits.Select(limit => limit.Key)], time);
    }

    private void Release(string[] keys)
    {
        lock (_gate)
        {
            foreach (var key in keys)
            {
                if (--_taken[key] == 0)
                {
                    _taken.Remove(key);
                }
            }
        }
    }

    /// <summary>A slot. Dispose it once.</summary>
    internal sealed class Slot(LargeMessages messages, string[] keys, TimeProvider time) : IDisposable
    {
        private readonly long _takenAt = time.GetTimestamp();
        private long _bytes;

        /// <summary>The time until which the next bytes must arrive; zero or less: the sender is too slow.</summary>
        public TimeSpan Remaining => Grace + TimeSpan.FromSeconds((double)_bytes / LeastBytesPerSecond) - time.GetElapsedTime(_takenAt);

        /// <summary>Counts bytes that have arrived since the slot was taken.</summary>
        public void Arrived(long bytes) => _bytes += bytes;

        /// <summary>Reads on.</summary>
        /// <returns>Null if the sender is too slow.</returns>
        public async ValueTask<ReadResult?> ReadAsync(HttpContext http, PipeReader reader)
        {
            while (Remaining is var remaining && remaining > TimeSpan.Zero)
            {
                await using var timer = time.CreateTimer(
                    static it => ((PipeReader)it!).CancelPendingRead(), reader, remaining, Timeout.InfiniteTimeSpan);
                var read = await JsonBody.ReadAsync(http, reader, http.RequestAborted);
                if (!read.IsCanceled || read.IsCompleted || !read.Buffer.IsEmpty)
                {
                    Arrived(read.Buffer.Length);
                    return read;
                }

                // The timer fired; or it fired when an earlier read had already ended, and then time remains.
                reader.AdvanceTo(read.Buffer.End);
            }

            return null;
        }

        public void Dispose() => messages.Release(keys);
    }
}
