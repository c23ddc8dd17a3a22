using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Sendcat.Reliability.Knobs;

/// <summary>Converts knob values from and to text.</summary>
internal static class KnobText
{
    /// <returns>The value; null when the text cannot be parsed.</returns>
    /// <exception cref="NotSupportedException">A knob cannot have this type.</exception>
    public static object? Parse(string text, Type type)
    {
        if (type == typeof(string))
        {
            return text;
        }

        if (type == typeof(bool))
        {
            return Boolean(text);
        }

        if (type.IsEnum)
        {
            var name = text.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
            return Enum.TryParse(type, name, ignoreCase: true, out var member)
                && Enum.IsDefined(type, member!) && char.IsAsciiLetter(text[0]) ? member : null;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
        {
            return null;
        }

        if (type == typeof(double))
        {
            return number;
        }

        var whole = Math.Floor(number);
        if (type == typeof(int))
        {
            return whole is >= int.MinValue and <= int.MaxValue ? (int)whole : null;
        }

        return type == typeof(long)
            ? whole is > -9e15 and < 9e15 ? (long)whole : null
            : throw new NotSupportedException($"A knob cannot have the type {type.Name}");
    }

    public static string Of(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        Enum member => SnakeCase(member.ToString()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    public static string RangeOf(Type type, IEnumerable<ValidationAttribute> rules)
    {
        var kind = Nullable.GetUnderlyingType(type) ?? type;
        foreach (var rule in rules)
        {
            switch (rule)
            {
                case RangeAttribute range:
                    return $"{Of(range.Minimum)}–{Of(range.Maximum)}";
                case RegularExpressionAttribute pattern:
                    return pattern.Pattern;
                case HttpUrlAttribute:
                    return HttpUrlAttribute.Range;
                case AllowedValuesAttribute allowed:
                    return string.Join(", ", allowed.Values.Select(value => value is "" ? "(empty)" : Of(value)));
                default:
                    break;
            }
        }

        return kind == typeof(bool) ? "true, false" : kind.IsEnum ? string.Join(", ", Enum.GetNames(kind).Select(SnakeCase)) : "";
    }

    public static string KindOf(Type type)
    {
        var kind = Nullable.GetUnderlyingType(type) ?? type;
        return kind == typeof(bool) ? "boolean" : kind.IsEnum ? "known word" : kind == typeof(string) ? "text" : "number";
    }

    private static object? Boolean(string text) => text.ToUpperInvariant() switch
    {
        "1" or "TRUE" or "YES" => true,
        "0" or "FALSE" or "NO" => false,
        _ => null,
    };

    /// <summary>Converts to snake case: <c>SingleRegion</c> becomes <c>single_region</c>.</summary>
    private static string SnakeCase(string name) =>
        string.Concat(
            name.Select((letter, at) => char.IsUpper(letter) ? (at > 0 ? "_" : "") + char.ToLowerInvariant(letter) : letter.ToString()));
}
