namespace Sendcat.Attacks.Callers;

/// <summary>What the honest users got.</summary>
internal sealed record HonestFigures(IReadOnlyList<Turn> Turns)
{
    public IReadOnlyList<Turn> Failed => [.. Turns.Where(turn => !turn.IsWhole)];

    public int Whole => Turns.Count - Failed.Count;

    /// <summary>Milliseconds to the first piece of text.</summary>
    public double FirstToken(double share)
    {
        var sorted = Turns.Where(turn => turn.FirstToken is not null).Select(turn => turn.FirstToken!.Value.TotalMilliseconds).Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }
}
