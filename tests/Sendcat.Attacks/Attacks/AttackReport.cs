using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <param name="Alone">Honest users before the attack; null when only facts were asked for.</param>
/// <param name="Beside">The same users beside the attacker.</param>
/// <param name="Cost">Of the API process while it was attacked.</param>
internal sealed record AttackReport(Attack Attack, HonestFigures? Alone, HonestFigures Beside, ProcessFigures Cost, ProcessFigures? CostAlone, IReadOnlyList<string> Held, IReadOnlyList<string> Broken, string Answers)
{
    public bool Passed => Broken.Count == 0;

    public override string ToString() => Passed
        ? $"{Attack.Number} {Attack.Title}: withstood"
        : $"{Attack.Number} {Attack.Title}: {Broken.Count} facts did not hold\n  {string.Join("\n  ", Broken)}\n  answers: {Answers}";
}

/// <summary>Of a process: memory in bytes before, at its highest and at the end; CPU in seconds.</summary>
internal sealed record ProcessFigures(long Before, long Highest, long After, double CpuSeconds, TimeSpan Duration);
