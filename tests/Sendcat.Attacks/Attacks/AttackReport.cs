using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>The result of an attack.</summary>
/// <param name="Attack">The attack.</param>
/// <param name="Alone">The figures of the honest users before the attack; null when they were not measured.</param>
/// <param name="Beside">The figures of the same users during the attack.</param>
/// <param name="Cost">The memory and CPU of the API process during the attack.</param>
/// <param name="CostAlone">The memory and CPU of the API process before the attack; null when they were not measured.</param>
/// <param name="HeldFacts">The facts that hold.</param>
/// <param name="FailedFacts">The facts that do not hold, with what was found instead.</param>
/// <param name="Responses">The number of responses to the attacker by status.</param>
internal sealed record AttackReport(
    Attack Attack,
    HonestFigures? Alone,
    HonestFigures Beside,
    ProcessFigures Cost,
    ProcessFigures? CostAlone,
    IReadOnlyList<string> HeldFacts,
    IReadOnlyList<string> FailedFacts,
    string Responses)
{
    public bool Passed => FailedFacts.Count == 0;

    public override string ToString() => Passed
        ? $"{Attack.Number} {Attack.Title}: withstood"
        : $"{Attack.Number} {Attack.Title}: {FailedFacts.Count} facts do not hold\n  {string.Join("\n  ", FailedFacts)}\n"
            + $"  responses: {Responses}";
}

/// <summary>Memory and CPU of a process during a measurement.</summary>
/// <param name="Before">Resident memory at the start (bytes).</param>
/// <param name="Highest">The highest resident memory (bytes).</param>
/// <param name="After">Resident memory at the end (bytes); 0 when the process has ended.</param>
/// <param name="CpuSeconds">CPU time during the measurement (s); 0 when the process has ended.</param>
/// <param name="Duration">The length of the measurement.</param>
internal sealed record ProcessFigures(long Before, long Highest, long After, double CpuSeconds, TimeSpan Duration);
