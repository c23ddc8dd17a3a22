using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Tools;

/// <summary>
/// A price of a shop: the text to show, and the number and currency to compute with. A price never looks like US dollars unless it is: a
/// text with a dollar sign of another country has the code of its currency instead.
/// </summary>
/// <param name="Text">Empty: there is no price.</param>
/// <param name="Amount">Null: the text has no number that can be read without guessing.</param>
/// <param name="Currency">ISO 4217 code; null: the shop does not say.</param>
public readonly partial record struct Money(string Text, decimal? Amount, string? Currency)
{
    private const string UsDollar = "USD";

    public static readonly Money None = new("", null, null);

    /// <summary>Signs and abbreviations that stand for one currency alone.</summary>
    private static readonly FrozenDictionary<string, string> Signs = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["US$"] = UsDollar, ["CA$"] = "CAD", ["C$"] = "CAD", ["A$"] = "AUD", ["AU$"] = "AUD", ["NZ$"] = "NZD", ["HK$"] = "HKD",
        ["S$"] = "SGD", ["NT$"] = "TWD", ["MX$"] = "MXN", ["R$"] = "BRL", ["J$"] = "JMD", ["JA$"] = "JMD", ["JM$"] = "JMD", ["TT$"] = "TTD",
        ["BDS$"] = "BBD", ["BB$"] = "BBD", ["EC$"] = "XCD", ["KY$"] = "KYD", ["CI$"] = "KYD", ["£"] = "GBP", ["€"] = "EUR", ["₹"] = "INR",
        ["₩"] = "KRW", ["₺"] = "TRY", ["₽"] = "RUB", ["₪"] = "ILS", ["₫"] = "VND", ["₦"] = "NGN", ["₱"] = "PHP", ["zł"] = "PLN",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The currencies that a country writes with a dollar sign alone, by country code.</summary>
    private static readonly FrozenDictionary<string, string> DollarCountries = new Dictionary<string, string>(
        StringComparer.OrdinalIgnoreCase)
    {
        ["us"] = UsDollar, ["ca"] = "CAD", ["au"] = "AUD", ["nz"] = "NZD", ["hk"] = "HKD", ["sg"] = "SGD", ["tw"] = "TWD", ["mx"] = "MXN",
        ["ar"] = "ARS", ["cl"] = "CLP", ["co"] = "COP", ["jm"] = "JMD", ["tt"] = "TTD", ["bb"] = "BBD", ["bs"] = "BSD", ["ky"] = "KYD",
        ["bz"] = "BZD", ["gy"] = "GYD", ["ag"] = "XCD", ["dm"] = "XCD", ["gd"] = "XCD", ["kn"] = "XCD", ["lc"] = "XCD", ["vc"] = "XCD",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads an amount of eBay, <c>{"value":"8.00","currency":"GBP"}</c>.</summary>
    public static Money OfAmount(JsonElement? price)
    {
        if (price is not { } of || of.Price("value") is not { } value)
        {
            return None;
        }

        var currency = of.Text("currency") is { } code && IsCode(code) ? code : null;
        decimal? amount = decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
        return new(Row.Cut(currency is null ? value : $"{currency} {value}", Row.LongestPrice), amount, currency);
    }

    /// <summary>
    /// Reads a price as a shop writes it: <c>$1,299.00</c>, <c>59,99 €</c>, <c>CAD 12</c>. Of a range it reads the first number.
    /// </summary>
    /// <param name="text">Null: there is no price.</param>
    /// <param name="country">The two-letter code of the country that was searched in; null: the United States.</param>
    public static Money OfText(string? text, string? country)
    {
        if (text is null)
        {
            return None;
        }

        if (PriceText().Match(text) is not { Success: true } match)
        {
            return new(text, null, null);
        }

        var (before, after) = (match.Groups["before"].Value.Replace(" ", "", StringComparison.Ordinal), match.Groups["after"].Value);
        var sign = before.Length > 0 ? before : after;
        var currency = sign == "$"
            ? DollarCountries.GetValueOrDefault(country is null or "" ? "us" : country)
            : Signs.GetValueOrDefault(sign) ?? (IsCode(sign) ? sign : null);
        var shown = currency is not null and not UsDollar && sign == "$"
            ? text.Remove(match.Index, match.Length).Insert(match.Index, $"{currency} {match.Groups["number"].Value}")
            : text;
        return new(Row.Cut(shown, Row.LongestPrice), currency is null ? null : Number(match.Groups["number"].Value), currency);
    }

    /// <summary>True for three capital letters.</summary>
    public static bool IsCode(string? text) => text is { Length: 3 } && text.All(char.IsAsciiLetterUpper);

    /// <summary>
    /// The last separator is the decimal one if two digits follow it, or if both separators occur; otherwise it groups thousands.
    /// </summary>
    private static decimal? Number(string text)
    {
        var digits = text.Replace(" ", "", StringComparison.Ordinal).Replace("\u00A0", "", StringComparison.Ordinal)
            .Replace("\u202F", "", StringComparison.Ordinal);
        var last = digits.LastIndexOfAny(['.', ',']);
        var isDecimal = last >= 0
            && (digits.Length - last - 1 is 1 or 2
                || (digits.Contains('.', StringComparison.Ordinal) && digits.Contains(',', StringComparison.Ordinal)));
        var whole = Separators().Replace(isDecimal ? digits[..last] : digits, "");
        var plain = isDecimal ? $"{whole}.{digits[(last + 1)..]}" : whole;
        return decimal.TryParse(plain, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    [GeneratedRegex(
        @"(?<before>(?:\b[A-Z]{1,3}\s?)?\$|\b[A-Z]{3}\b|[£€₹₩₺₽₪₫₦₱])?\s?(?<number>\d(?:[\d.,\u00A0\u202F]*\d)?)(?:\s?(?<after>[£€₹₩₺₽₪₫₦₱$]|zł|[A-Z]{3}\b))?",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex PriceText();

    [GeneratedRegex("[.,]", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Separators();
}
