using System.Globalization;

namespace Sendcat.Reliability.Circuits;

/// <summary>What opened a circuit. The replica that saw it reports it to the others, which show it to operators.</summary>
/// <param name="Failures">≥ 1.</param>
/// <param name="Error">The last of them; null: not known.</param>
internal sealed record CircuitOpening(int Failures, string? Error)
{
    /// <param name="text">As <see cref="ToString"/> writes it.</param>
    /// <returns>Null: it says nothing.</returns>
    public static CircuitOpening? Parse(string? text) =>
        (text ?? "").Split(' ', 2) is [var count, var error]
            && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var failures)
                ? new(failures, error.Length > 0 ? error : null)
                : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Failures} {Error}");
}
