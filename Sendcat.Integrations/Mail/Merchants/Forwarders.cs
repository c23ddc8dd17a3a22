using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>Recognizes the notices of Jamaican freight forwarders, by their words: there are many, and new ones each year.</summary>
internal static class Forwarders
{
    private static readonly Regex Words = LinearRegex.Of(
        @"\b(freight\s+forward\w*|courier\s+(service|notice)s?|mailbox\s*(number|no|\#|:)|skybox|our\s+(miami|florida|doral|sunrise|us"
            + @"|u\.s\.)\s+(warehouse|facility)|warehouse\s+in\s+(miami|florida|doral)|ready\s+for\s+(pick[\s-]?up|collection)\s+at)");

    private static readonly Regex Places = LinearRegex.Of(
        @"\b(jamaica|kingston|montego\s+bay|mandeville|portmore|ocho\s+rios|may\s+pen|spanish\s+town|negril)\b");

    public static bool IsNotice(string text) => Words.IsMatch(text) && Places.IsMatch(text);
}
