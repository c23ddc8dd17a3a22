namespace Sendcat.Attacks.Callers;

/// <summary>The turns of the honest users in one measurement.</summary>
internal sealed record HonestFigures(IReadOnlyList<TurnResult> Turns)
{
    public IReadOnlyList<TurnResult> Failed => [.. Turns.Where(turn => !turn.IsComplete)];

    public int Complete => Turns.Count - Failed.Count;

    /// <summary>A percentile of the time to the first piece of text (ms); NaN without a turn that has text.</summary>
    /// <param name="share">The percentile, from 0 to 1.</param>
    public double FirstToken(double share)
    {
        var sorted = Turns.Where(turn => turn.FirstToken is not null)
            .Select(turn => turn.FirstToken!.Value.TotalMilliseconds)
            .Order()
            .ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }
}
