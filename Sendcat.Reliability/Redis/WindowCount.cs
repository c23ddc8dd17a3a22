namespace Sendcat.Reliability.Redis;

/// <summary>
/// A sliding window out of two fixed ones: what was counted in the previous one weighs by the share of it that the sliding window still covers.
/// The same arithmetic as <c>claim.lua</c>; a pure value, the clock is an argument.
/// </summary>
/// <remarks>
/// The weights alone would hold an overdrawn window for up to two windows. So everything ends a window after the last cost, as it would if each cost were remembered by its time: whoever waits that long
/// and sends nothing meanwhile is admitted.
/// </remarks>
internal readonly record struct WindowCount(long Index, long Current, long Previous)
{
    /// <summary>When something was counted last, in ms; 0: unknown, then the weights alone decide.</summary>
    public long LastMs { get; init; }

    public WindowCount At(long nowMs, long lengthMs)
    {
        var index = nowMs / lengthMs;
        return LastMs > 0 && nowMs - LastMs >= lengthMs ? new(index, 0, 0)
            : index == Index ? this
            : index == Index + 1 ? this with { Index = index, Current = 0, Previous = Current }
            : new(index, 0, 0);
    }

    /// <summary>How much of the window is used; <see cref="At"/> first.</summary>
    public double Used(long nowMs, long lengthMs) => Current + (Previous * Share(nowMs, lengthMs));

    public bool Fits(long nowMs, long lengthMs, int max, int cost) => Used(nowMs, lengthMs) + cost <= max;

    public WindowCount Take(long cost) => this with { Current = Math.Max(0, Current + cost) };

    /// <summary>Counts a cost now.</summary>
    public WindowCount Spend(long cost, long nowMs) => Take(cost) with { LastMs = nowMs };

    /// <summary>Takes back what was counted at <paramref name="claimedMs"/>, from the fixed window that it was counted in; <see cref="At"/> first.</summary>
    public WindowCount Return(long cost, long claimedMs, long lengthMs) =>
        claimedMs / lengthMs >= Index ? Take(-cost)
        : claimedMs / lengthMs == Index - 1 ? this with { Previous = Math.Max(0, Previous - cost) }
        : this;

    /// <summary>Time until the cost fits, if nobody else comes: at least a millisecond, a whole window if it never does.</summary>
    public TimeSpan UntilFits(long nowMs, long lengthMs, int max, int cost)
    {
        var share = Share(nowMs, lengthMs);
        var milliseconds =
            cost > max ? lengthMs
            : Current + cost <= max ? Math.Ceiling((share - ((max - cost - Current) / (double)Previous)) * lengthMs)
            : Math.Ceiling((share * lengthMs) + ((1 - ((max - cost) / (double)Current)) * lengthMs));
        return TimeSpan.FromMilliseconds(Math.Max(1, LastMs > 0 ? Math.Min(milliseconds, LastMs + lengthMs - nowMs) : milliseconds));
    }

    private double Share(long nowMs, long lengthMs) => 1 - ((nowMs - (Index * lengthMs)) / (double)lengthMs);
}
