namespace Sendcat.Reliability.Slo;

/// <summary>
/// The requests of an endpoint that ended on this replica in the last minute, in slots of five seconds: whether it works is visible here
/// before the minute is written. Thread-safe.
/// </summary>
/// <param name="policy">What counts as bad.</param>
internal sealed class RecentRequests(VerdictPolicy policy)
{
    public static readonly TimeSpan Slot = TimeSpan.FromSeconds(5);

    /// <summary>The slots of the last minute; the running one is not over yet.</summary>
    private const int Slots = 12;

    /// <summary>The slots of the last 15 seconds.</summary>
    private const int LatestSlots = 3;

    private readonly Lock _gate = new();
    private readonly Counts[] _slots = [.. Enumerable.Range(0, Slots).Select(_ => new Counts())];

    public void Add(in SliRequest request, DateTimeOffset now)
    {
        var slot = SlotOf(now);
        lock (_gate)
        {
            var counts = _slots[slot % Slots];
            if (counts.Slot != slot)
            {
                counts.Clear(slot);
            }

            counts.Add(request, policy);
        }
    }

    /// <summary>The requests of the last minute.</summary>
    public RecentCounts Read(DateTimeOffset now) => Read(now, Slots);

    /// <summary>The requests of the last 15 seconds.</summary>
    public RecentCounts ReadLatest(DateTimeOffset now) => Read(now, LatestSlots);

    private RecentCounts Read(DateTimeOffset now, int slots)
    {
        var newest = SlotOf(now);
        var (turns, failed, refused, late, partial, bad) = (0L, 0L, 0L, 0L, 0L, 0L);
        var reasons = new Dictionary<string, long>(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var slot in _slots.Where(slot => slot.Slot > newest - slots && slot.Slot <= newest))
            {
                (turns, failed, refused) = (turns + slot.Turns, failed + slot.Failed, refused + slot.Refused);
                (late, partial, bad) = (late + slot.Late, partial + slot.Partial, bad + slot.Bad);
                foreach (var (reason, count) in slot.Reasons)
                {
                    reasons[reason] = reasons.GetValueOrDefault(reason) + count;
                }
            }
        }

        return new(turns, failed, refused, late, partial, bad, reasons);
    }

    private static long SlotOf(DateTimeOffset now) => now.Ticks / Slot.Ticks;

    private sealed class Counts
    {
        public long Slot { get; private set; } = -1;

        public long Turns { get; private set; }

        public long Failed { get; private set; }

        public long Refused { get; private set; }

        public long Late { get; private set; }

        public long Partial { get; private set; }

        public long Bad { get; private set; }

        public Dictionary<string, long> Reasons { get; } = new(StringComparer.Ordinal);

        public void Clear(long slot)
        {
            (Slot, Turns, Failed, Refused, Late, Partial, Bad) = (slot, 0, 0, 0, 0, 0, 0);
            Reasons.Clear();
        }

        public void Add(in SliRequest request, VerdictPolicy policy)
        {
            var late = request.FirstToken > policy.FirstTokenLimit;
            if (request.Outcome is SliOutcome.Rejected || (request.Outcome is SliOutcome.Aborted && !late))
            {
                // Up to the caller.
                return;
            }

            Turns++;
            Failed += request.Outcome is SliOutcome.Failed ? 1 : 0;
            Refused += request.Outcome is SliOutcome.Shed ? 1 : 0;
            Late += late ? 1 : 0;
            Partial += request.IsPartial ? 1 : 0;
            var reason = request.Outcome is SliOutcome.Failed or SliOutcome.Shed ? request.Reason ?? SliMinute.OtherReason
                : late ? RecentCounts.LateFirstToken
                : request.IsPartial ? RecentCounts.PartialResult
                : null;
            if (reason is not null)
            {
                Bad++;
                var key = Reasons.Count < SliMinute.MaxReasons || Reasons.ContainsKey(reason) ? reason : SliMinute.OtherReason;
                Reasons[key] = Reasons.GetValueOrDefault(key) + 1;
            }
        }
    }
}

/// <summary>The requests of a minute. Those that were rejected or left by their caller are not among them.</summary>
/// <param name="Late">Requests whose first token came too late, whatever their end.</param>
/// <param name="Partial">Requests with a tool that was refused or not awaited, because its lane was full.</param>
/// <param name="Bad">Requests that failed, were refused, were late or are partial; each counts once.</param>
/// <param name="Reasons">Why they are bad; the sum is <paramref name="Bad"/>, except for minutes from Postgres.</param>
public sealed record RecentCounts(
    long Turns, long Failed, long Refused, long Late, long Partial, long Bad, IReadOnlyDictionary<string, long> Reasons)
{
    public const string LateFirstToken = "late_first_token";
    public const string PartialResult = "lane_saturated";

    public static readonly RecentCounts None = new(0, 0, 0, 0, 0, 0, new Dictionary<string, long>(StringComparer.Ordinal));

    public RecentCounts Plus(RecentCounts other) => new(
        Turns + other.Turns, Failed + other.Failed, Refused + other.Refused, Late + other.Late, Partial + other.Partial, Bad + other.Bad,
        Reasons.Concat(other.Reasons).GroupBy(reason => reason.Key, StringComparer.Ordinal)
            .ToDictionary(reason => reason.Key, reason => reason.Sum(count => count.Value), StringComparer.Ordinal));
}
