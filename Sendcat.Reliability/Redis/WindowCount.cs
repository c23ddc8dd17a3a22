namespace Sendcat.Reliability.Redis;

/// <summary>
/// A sliding window out of two fixed ones: what was counted in the previous one weighs by the share of it that the sliding window still covers.
/// The same arithmetic as <c>claim.lua</c>; a pure value, the clock is an argument.
/// </summary>
internal readonly record struct WindowCount(long Index, long Current, long Previous)
{
    public WindowCount At(long nowMs, long lengthMs)
    {
        var index = nowMs / lengthMs;
        return index == Index ? this : index == Index + 1 ? new(index, 0, Current) : new(index, 0, 0);
    }

    /// <summary>How much of the window is used; <see cref="At"/> first.</summary>
    public double Used(long nowMs, long lengthMs) => Current + (Previous * Share(nowMs, lengthMs));

    public bool Fits(long nowMs, long lengthMs, int max, int cost) => Used(nowMs, lengthMs) + cost <= max;

    public WindowCount Take(long cost) => this with { Current = Math.Max(0, Current + cost) };

    /// <summary>Time until the cost fits, if nobody else comes: at least a millisecond, a whole window if it never does.</summary>
    public TimeSpan UntilFits(long nowMs, long lengthMs, int max, int cost)
    {
        var share = Share(nowMs, lengthMs);
        var milliseconds =
            cost > max ? lengthMs
            : Current + cost <= max ? Math.Ceiling((share - ((max - cost - Current) / (double)Previous)) * lengthMs)
            : Math.Ceiling((share * lengthMs) + ((1 - ((max - cost) / (double)Current)) * lengthMs));
        return TimeSpan.FromMilliseconds(Math.Max(1, milliseconds));
    }

    private double Share(long nowMs, long lengthMs) => 1 - ((nowMs - (Index * lengthMs)) / (double)lengthMs);
}
