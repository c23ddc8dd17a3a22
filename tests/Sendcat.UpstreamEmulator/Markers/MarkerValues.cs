using System.Globalization;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>
/// Parses the values of markers. All methods throw <see cref="FormatException"/> with a message that describes the valid values.
/// </summary>
internal static class MarkerValues
{
    public static bool Flag(string value) => value switch
    {
        "" or "true" => true,
        "false" => false,
        _ => throw new FormatException($"'{value}' is not true or false"),
    };

    public static int Number(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"'{value}' is not a whole number");

    /// <summary>Parses a duration: <c>50ms</c>, <c>2s</c>, <c>1m</c>. A number without a unit is in milliseconds.</summary>
    public static int Milliseconds(string value) => checked((int)Scaled(value, [("ms", 1), ("s", 1000), ("m", 60_000)]));

    /// <summary>Parses a size of at most 256 MiB: <c>2mb</c>, <c>64kb</c>, <c>100b</c> or a number of bytes.</summary>
    public static int Bytes(string value) =>
        Scaled(value, [("mb", 1 << 20), ("kb", 1 << 10), ("b", 1)]) is var bytes && bytes <= 256 << 20
            ? (int)bytes
            : throw new FormatException($"'{value}' is more than 256mb");

    /// <summary>Parses the name of an enum member in kebab case: <c>before-first</c> is <c>BeforeFirst</c>.</summary>
    public static T EnumValue<T>(string value)
        where T : struct, Enum =>
        Enum.TryParse<T>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var member)
            && Enum.IsDefined(member)
            && !char.IsAsciiDigit(value.FirstOrDefault())
            ? member
            : throw new FormatException($"'{value}' is not one of {string.Join(", ", Enum.GetNames<T>().Select(KebabCase))}");

    private static string KebabCase(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    private static double Scaled(string value, (string Suffix, double Scale)[] units)
    {
        foreach (var (suffix, scale) in units)
        {
            if (value.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(
                    value.AsSpan(0, value.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                    out var number))
            {
                return number * scale;
            }
        }

        return Number(value);
    }
}
