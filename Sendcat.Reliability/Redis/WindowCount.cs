namespace Sendcat.Reliability.Redis;

/// <summary>
/// A sliding window, approximated by two fixed windows: the count of the previous window is weighted by the share of it that the sliding
/// window still covers. The arithmetic is the same as in <c>claim.lua</c>. A pure value; the clock is an argument.
/// </summary>
/// <remarks>
/// The weights alone would block an exceeded window for up to two windows. So all counts end one window after the last cost, as they would
/// in an exact log of costs: a caller that waits for one window without a request is admitted.
/// </remarks>
/// <param name="Index">Number of the current fixed window: Unix time divided by the length.</param>
/// <param name="Current">Units counted in the current fixed window.</param>
/// <param name="Previous">Units counted in the fixed window before it.</param>
internal readonly record struct WindowCount(long Index, long Current, long Previous)
{
    /// <summary>Time of the last cost, in Unix ms. 0: unknown, and the weights alone decide.</summary>
    public long LastMs { get; init; }

    /// <summary>The counts as of <paramref name="nowMs"/>.</summary>
    /// <param name="nowMs">Now, in Unix ms.</param>
    /// <param name="lengthMs">Length of the window in ms.</param>
    public WindowCount At(long nowMs, long lengthMs)
    {
        var index = nowMs / lengthMs;
        return LastMs > 0 && nowMs - LastMs >= lengthMs ? new(index, 0, 0)
            : index == Index ? this
            : index == Index + 1 ? this with { Index = index, Current = 0, Previous = Current }
            : new(index, 0, 0);
    }

    /// <summary>Units of the window that are used. Call <see cref="At"/> first.</summary>
    public double Used(long nowMs, long lengthMs) => Current + (Previous * RestMs(nowMs, lengthMs) / (double)lengthMs);

    /// <summary>
    /// Whether the cost fits. Without division, so that the result is exact and equal to that of <see cref="UntilFits"/>.
    /// </summary>
    public bool Fits(long nowMs, long lengthMs, int max, int cost) =>
        ((double)(Current + cost - max) * lengthMs) + ((double)Previous * RestMs(nowMs, lengthMs)) <= 0;

    public WindowCount Take(long cost) => this with { Current = Math.Max(0, Current + cost) };

    /// <summary>Adds a cost at the time <paramref name="nowMs"/>.</summary>
    public WindowCount Spend(long cost, long nowMs) => Take(cost) with { LastMs = nowMs };

    /// <summary>
    /// Subtracts a cost that was counted at <paramref name="claimedMs"/>, from the fixed window in which it was counted. Call
    /// <see cref="At"/> first.
    /// </summary>
    public WindowCount Refund(long cost, long claimedMs, long lengthMs) =>
        claimedMs / lengthMs >= Index ? Take(-cost)
        : claimedMs / lengthMs == Index - 1 ? this with { Previous = Math.Max(0, Previous - cost) }
        : this;

    /// <summary>
    /// Time until the cost fits if no other cost is added: at least 1 ms. A cost above <paramref name="max"/> never fits; then the time is
    /// at most one window.
    /// </summary>
    public TimeSpan UntilFits(long nowMs, long lengthMs, int max, int cost)
    {
        var rest = RestMs(nowMs, lengthMs);
        var milliseconds =
            cost > max ? lengthMs
            : Current + cost <= max ? rest - Math.Floor((double)(max - cost - Current) * lengthMs / Previous)
            : rest + lengthMs - Math.Floor((double)(max - cost) * lengthMs / Current);
        return TimeSpan.FromMilliseconds(Math.Max(1, LastMs > 0 ? Math.Min(milliseconds, LastMs + lengthMs - nowMs) : milliseconds));
    }

    /// <summary>Time until the end of the current fixed window.</summary>
    private long RestMs(long nowMs, long lengthMs) => ((Index + 1) * lengthMs) - nowMs;
}
