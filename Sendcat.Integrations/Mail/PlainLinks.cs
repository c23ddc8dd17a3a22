using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail;

/// <summary>The addresses that stand in plain text.</summary>
internal static class PlainLinks
{
    private const int MostLinks = 500;
    private const int LongestAddress = 4_096;

    private static readonly Regex Address = LinearRegex.Of(@"\bhttps?://[^\s<>""'\)\]]+");

    public static IEnumerable<MailLink> Find(string text)
    {
        var count = 0;
        for (var match = Address.Match(text); match.Success && count < MostLinks; match = match.NextMatch(), count++)
        {
            var address = match.Value.TrimEnd('.', ',', ';', ':', '!', '?');
            if (address.Length <= LongestAddress)
            {
                yield return new(address, match.Index, address.Length);
            }
        }
    }
}
