using System.Globalization;

namespace Sendcat.Integrations.Mail.Html;

/// <summary>The declarations that can hide text; null: not declared.</summary>
internal readonly record struct ElementStyle
{
    /// <summary>Two colours that differ less than this in every channel cannot be told apart.</summary>
    private const int LeastContrast = 24;

    /// <summary>Not shown, and nothing inside it.</summary>
    public bool IsRemoved { get; init; }

    /// <summary>visibility: hidden (true) or visible (false).</summary>
    public bool? IsInvisible { get; init; }

    /// <summary>font-size too small to read (true), or readable (false).</summary>
    public bool? IsTiny { get; init; }

    public Colour? Text { get; init; }

    public Colour? Background { get; init; }

    /// <summary>Later declarations win, a removal stays.</summary>
    public ElementStyle With(ElementStyle later) => new()
    {
        IsRemoved = IsRemoved || later.IsRemoved,
        IsInvisible = later.IsInvisible ?? IsInvisible,
        IsTiny = later.IsTiny ?? IsTiny,
        Text = later.Text ?? Text,
        Background = later.Background ?? Background,
    };

    /// <summary>Text of this style on this ground cannot be read.</summary>
    public bool IsUnreadable =>
        IsInvisible is true || IsTiny is true || Text is { Alpha: false }
            || (Text is { } text && Background is { } ground && text.Resembles(ground));

    /// <summary>Reads declarations, <c>color:#fff; font-size:0</c>.</summary>
    public static ElementStyle Read(string declarations)
    {
        var style = default(ElementStyle);
        bool clipsRest = false, hasNoHeight = false, hasNoWidth = false, isPlaced = false, isFarAway = false;
        foreach (var declaration in declarations.Split(';', 200))
        {
            var colon = declaration.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                continue;
            }

            var value = declaration[(colon + 1)..].Replace("!important", "", StringComparison.OrdinalIgnoreCase).Trim().ToLowerInvariant();
            switch (declaration[..colon].Trim().ToLowerInvariant())
            {
                case "display": style = style with { IsRemoved = value == "none" }; break;
                case "visibility": style = style with { IsInvisible = value is "hidden" or "collapse" }; break;
                case "opacity": style = style with { IsRemoved = style.IsRemoved || (Number(value) is < 0.06) }; break;
                case "font-size": style = style with { IsTiny = Length(value) is < 2 }; break;
                case "font" when FontSize(value) is { } size: style = style with { IsTiny = size < 2 }; break;
                case "color": style = style with { Text = Colour.Read(value) ?? style.Text }; break;
                case "background-color": style = style with { Background = Colour.Read(value) ?? style.Background }; break;
                case "background": style = style with { Background = Colour.OfBackground(value) ?? style.Background }; break;
                case "overflow" or "overflow-y" or "overflow-x": clipsRest = value == "hidden"; break;
                case "height" or "max-height": hasNoHeight = Length(value) is < 2; break;
                case "width" or "max-width": hasNoWidth = Length(value) is < 2; break;
                case "text-indent": isFarAway |= Length(value) is < -900 or > 3_000; isPlaced |= isFarAway; break;
                case "position": isPlaced = value is "absolute" or "fixed"; break;
                case "left" or "top" or "right" or "bottom": isFarAway |= Length(value) is < -900 or > 9_000; break;
                case "clip": style = style with { IsRemoved = style.IsRemoved || value.Replace(
                    " ", "", StringComparison.Ordinal) is "rect(0,0,0,0)" or "rect(0px,0px,0px,0px)" or "rect(1px,1px,1px,1px)" }; break;
                case "transform": style =
                    style with { IsRemoved = style.IsRemoved || value.Replace(" ", "", StringComparison.Ordinal).Contains(
                        "scale(0)", StringComparison.Ordinal) }; break;
                default: break;
            }
        }

        return (clipsRest && (hasNoHeight || hasNoWidth)) || (isPlaced && isFarAway) ? style with { IsRemoved = true } : style;
    }

    private static double? Number(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>A length in pixels. Relative lengths are of a text of 16 px; null: <c>auto</c>, a word, a percentage above zero.</summary>
    private static double? Length(string value)
    {
        var digits = value.AsSpan().IndexOfAnyExcept("+-.0123456789") is >= 0 and var end ? value[..end] : value;
        var factor = value[digits.Length..]
            .Trim() switch { "" or "px" => 1.0, "pt" => 1.33, "em" or "rem" => 16, "%" => 0.16, "ex" or "ch" => 8, _ => double.NaN };
        return Number(digits) * factor is { } length && !double.IsNaN(length) ? length : null;
    }

    private static double? FontSize(string font) =>
        font.Split([' ', '/'], 12).Select(Length).FirstOrDefault(length => length is not null);

    /// <summary>A colour, or transparency.</summary>
    internal readonly record struct Colour(byte Red, byte Green, byte Blue, bool Alpha = true)
    {
        private static readonly Dictionary<string, Colour> Names = new(StringComparer.Ordinal)
        {
            ["white"] = new(255, 255, 255), ["black"] = new(0, 0, 0), ["red"] = new(255, 0, 0), ["green"] = new(0, 128, 0),
            ["blue"] = new(0, 0, 255),
            ["yellow"] = new(255, 255, 0), ["gray"] = new(128, 128, 128), ["grey"] = new(128, 128, 128), ["silver"] = new(192, 192, 192),
            ["orange"] = new(255, 165, 0),
            ["navy"] = new(0, 0, 128), ["purple"] = new(128, 0, 128), ["maroon"] = new(128, 0, 0), ["teal"] = new(0, 128, 128),
            ["snow"] = new(255, 250, 250),
            ["ivory"] = new(255, 255, 240), ["whitesmoke"] = new(245, 245, 245), ["ghostwhite"] = new(248, 248, 255),
            ["floralwhite"] = new(255, 250, 240),
            ["lightgray"] = new(211, 211, 211), ["lightgrey"] = new(211, 211, 211), ["darkgray"] = new(169, 169, 169),
            ["pink"] = new(255, 192, 203),
            ["transparent"] = new(0, 0, 0, false),
        };

        public bool Resembles(Colour other) =>
            Alpha && other.Alpha && Math.Abs(Red - other.Red) < LeastContrast && Math.Abs(Green - other.Green) < LeastContrast
                && Math.Abs(Blue - other.Blue) < LeastContrast;

        /// <summary>Null: a name that is not known, or a function.</summary>
        public static Colour? Read(string value)
        {
            if (Names.TryGetValue(value, out var named))
            {
                return named;
            }

            if (value.StartsWith('#'))
            {
                return OfHex(value[1..]);
            }

            if (value.StartsWith("rgb", StringComparison.Ordinal) && value.IndexOf('(', StringComparison.Ordinal) is > 0 and var open)
            {
                var parts = value[(open + 1)..].TrimEnd(')')
                    .Split([',', ' ', '/'], 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    .Select(part => Number(part.TrimEnd('%'))).ToArray();
                return parts is [{ } red, { } green, { } blue, ..]
                    ? new(Byte(red), Byte(green), Byte(blue), parts.Length < 4 || parts[3] is not < 0.06)
                    : null;
            }

            return null;
        }

        /// <summary>
        /// The colour of <c>background</c>. A picture hides what is below it, and its colours are unknown: as if transparent.
        /// </summary>
        public static Colour? OfBackground(string value) =>
            value.Contains("url(", StringComparison.Ordinal) || value.Contains("gradient", StringComparison.Ordinal)
                ? new(0, 0, 0, false)
                : value.Split(' ', 12, StringSplitOptions.RemoveEmptyEntries).Select(Read).FirstOrDefault(colour => colour is not null);

        private static Colour? OfHex(string hex)
        {
            if (hex.Length is 3 or 4)
            {
                hex = string.Concat(hex.Select(digit => $"{digit}{digit}"));
            }

            return hex.Length is 6 or 8 && uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                ? hex.Length == 6
                    ? new((byte)(value >> 16), (byte)(value >> 8), (byte)value)
                    : new((byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value > 15)
                : null;
        }

        private static byte Byte(double value) => (byte)Math.Clamp(value, 0, 255);
    }
}
