using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail;

/// <summary>Patterns for text that strangers write: their time is linear in the length of the text.</summary>
internal static class LinearRegex
{
    /// <summary>Named groups only, case and culture do not matter. Lookarounds and back references are not supported.</summary>
    public static Regex Of(string pattern, RegexOptions more = RegexOptions.None) =>
        new(
            pattern,
            RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | more,
            Regex.InfiniteMatchTimeout);
}
