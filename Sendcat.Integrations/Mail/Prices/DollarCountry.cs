using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Prices;

/// <summary>Which country's dollar a "$" alone is in a mail.</summary>
internal static class DollarCountry
{
    private static readonly Regex Codes = LinearRegex.Of(
        @"\b(?<code>USD|US\s+dollars?|JMD|Jamaican\s+dollars?|CAD|AUD|NZD|TTD|BBD|XCD|HKD|SGD|MXN)\b|(?<sign>\b(US|J|JA|C|CA|A|AU|TT|MX"
            + @"|HK|S)\$)");

    private static readonly Regex Crowns = LinearRegex.Of(@"[0-9]\s?kr\b");

    /// <summary>
    /// The country of the only dollar that the text names by code or sign; else that of the sender's domain; else the United States, whose
    /// shops the users order from. Null: the text names several dollars, so a "$" alone may be any of them.
    /// </summary>
    /// <param name="text">The mail's text.</param>
    /// <param name="domain">Domain of the sender.</param>
    /// <param name="isForwarder">The mail is from a Jamaican forwarder, which charges in Jamaican dollars unless it says otherwise.</param>
    public static string? Of(string text, string? domain, bool isForwarder)
    {
        string? named = null;
        for (var match = Codes.Match(text); match.Success; match = match.NextMatch())
        {
            var country = CountryOf(match.Value);
            if (named is not null && named != country)
            {
                return null;
            }

            named = country;
        }

        return named ?? OfDomain(domain) ?? (isForwarder ? "jm" : IsSwedish(text) ? "se" : "us");
    }

    /// <summary>
    /// Prices in kr, and none in dollars, in a text with the vowels of Swedish and none of Danish, Norwegian or Icelandic, whose crowns are
    /// others.
    /// </summary>
    private static bool IsSwedish(string text) =>
        text.AsSpan().ContainsAny("äöÄÖ") && !text.AsSpan().ContainsAny("$øæðþØÆÐÞ") && Crowns.IsMatch(text);

    private static string CountryOf(string name) => char.ToUpperInvariant(name[0]) switch
    {
        'U' => "us",
        'J' => "jm",
        'C' => "ca",
        'A' => "au",
        'N' => "nz",
        'T' => "tt",
        'B' => "bb",
        'X' => "ag",
        'H' => "hk",
        'S' => "sg",
        'M' => "mx",
        _ => throw new InvalidOperationException($"There is no dollar {name}."),
    };

    private static string? OfDomain(string? domain) => domain?[(domain.LastIndexOf('.') + 1)..] switch
    {
        "jm" => "jm",
        "ca" => "ca",
        "au" => "au",
        "nz" => "nz",
        "tt" => "tt",
        "bb" => "bb",
        "mx" => "mx",
        "hk" => "hk",
        "sg" => "sg",
        "jp" => "jp",
        "cn" => "cn",
        "se" => "se",
        "no" => "no",
        "dk" => "dk",
        _ => null,
    };
}
