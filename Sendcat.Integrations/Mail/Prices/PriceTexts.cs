using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.Integrations.Tools;

namespace Sendcat.Integrations.Mail.Prices;

/// <summary>Finds amounts of money in a text, as merchants of many countries write them.</summary>
public static class PriceTexts
{
    private const int MostPrices = 500;
    private const string UsDollar = "USD";

    private const string Signs =
        @"US\$|CA\$|C\$|AU\$|A\$|NZ\$|HK\$|S\$|NT\$|MX\$|R\$|J\$|JA\$|JM\$|JMD\$|TT\$|BDS\$|EC\$|CI\$|KY\$|USD\$|\$|£|€|₹|₩|₺|₽|₪|₫|₦|₱"
            + @"|¥|￥|zł|Kč|kr|円|元|원|руб\.?|TL\b|Rs\.?|CHF";

    private static readonly Regex Amounts = LinearRegex.Of(
        $@"((?<before>{Signs}|\b[A-Z]{{3}}\b)\s?(\(?[A-Z]{{3}}\)\s?)?)?(?<number>[0-9]([0-9.,'\u00A0\u202F]*[0-9])?)"
        + $@"(\s?(?<after>{Signs}|[A-Z]{{3}}\b))?");

    private static readonly FrozenSet<string> Codes = new[]
    {
        UsDollar, "JMD", "CAD", "GBP", "EUR", "AUD", "NZD", "JPY", "CNY", "HKD", "TWD", "SGD", "MXN", "BRL", "TTD", "BBD", "XCD", "KYD",
        "BSD", "BZD", "GYD", "INR", "KRW",
        "TRY", "RUB", "ILS", "VND", "NGN", "PHP", "PLN", "CZK", "SEK", "NOK", "DKK", "CHF", "ZAR", "AED", "SAR", "COP", "CLP", "ARS", "PEN",
        "DOP", "HUF", "RON", "THB", "MYR", "IDR",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, string> OwnSigns = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["円"] = "JPY", ["元"] = "CNY", ["원"] = "KRW", ["zł"] = "PLN", ["Kč"] = "CZK", ["руб"] = "RUB", ["руб."] = "RUB", ["TL"] = "TRY",
        ["Rs"] = "INR", ["Rs."] = "INR", ["CHF"] = "CHF",
        ["JMD$"] = "JMD", ["USD$"] = UsDollar,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The amounts with a sign or code of a currency.</summary>
    /// <param name="text">The text.</param>
    /// <param name="country">Two-letter code of the country whose dollar a "$" is; null: unknown.</param>
    public static IEnumerable<PriceMatch> Find(string text, string? country) => Find(text, 0, text.Length, country);

    /// <summary>The amounts with a sign or code of a currency in a part of the text.</summary>
    public static IEnumerable<PriceMatch> Find(string text, int start, int length, string? country)
    {
        var part = text.Substring(start, length);
        var count = 0;
        for (var match = Amounts.Match(part); match.Success && count < MostPrices; match = match.NextMatch())
        {
            if (Read(match, part, country) is { } price)
            {
                count++;
                yield return new(price, start + match.Index, match.Length);
            }
        }
    }

    /// <summary>An amount without a sign, <c>1,299.00</c>; null: no number.</summary>
    public static decimal? Number(string text)
    {
        var digits = text.Replace("\u00A0", "", StringComparison.Ordinal).Replace("\u202F", "", StringComparison.Ordinal)
            .Replace("'", "", StringComparison.Ordinal);
        var last = digits.LastIndexOfAny(['.', ',']);
        var isDecimal = last >= 0
            && (digits.Length - last - 1 is 1 or 2 || (
                digits.Contains('.', StringComparison.Ordinal) && digits.Contains(',', StringComparison.Ordinal)));
        var whole = (isDecimal ? digits[..last] : digits).Replace(".", "", StringComparison.Ordinal)
            .Replace(",", "", StringComparison.Ordinal);
        return decimal.TryParse(
            isDecimal ? $"{whole}.{digits[(last + 1)..]}" : whole, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out var number)
            ? number
            : null;
    }

    /// <summary>An ISO 4217 code that is in use; null for any other text.</summary>
    public static string? Code(string? text) => text is { Length: 3 } && Codes.Contains(text) ? text.ToUpperInvariant() : null;

    private static Price? Read(Match match, string text, string? country)
    {
        var number = match.Groups["number"];
        if (number.Length > 18 || Number(number.Value) is not { } amount)
        {
            return null;
        }

        var (before, after) = (match.Groups["before"].Value, match.Groups["after"].Value);
        var sign = IsSign(before) ? before : IsSign(after) ? after : null;
        if (sign is null
            || (number.Index > 0 && before.Length == 0 && char.IsLetterOrDigit(
                text[number.Index - 1]) && text[number.Index - 1] < '\u2E80'))
        {
            return null;
        }

        // "$12.00 CAD" and "$ 12.00 (JMD)": a code beside the sign says which dollar it is.
        var code = Code(before) ?? Code(after);
        return new(amount, code ?? CurrencyOf(sign, text, country));
    }

    private static bool IsSign(string text) =>
        text.Length > 0
            && (text.Length != 3 || Code(text) is not null || text.Contains('$', StringComparison.Ordinal) || OwnSigns.ContainsKey(text));

    private static string? CurrencyOf(string sign, string text, string? country)
    {
        if (OwnSigns.TryGetValue(sign, out var own))
        {
            return own;
        }

        if (sign is "¥" or "￥")
        {
            return country is "jp" ? "JPY" : country is "cn" ? "CNY" : text.AsSpan().ContainsAnyInRange('\u3040', '\u30FF') ? "JPY" : null;
        }

        if (sign.Equals("kr", StringComparison.OrdinalIgnoreCase))
        {
            return country switch { "se" => "SEK", "no" => "NOK", "dk" => "DKK", _ => null };
        }

        return sign == "$" && country is null ? null : Money.OfText($"{sign}1", country).Currency;
    }
}
