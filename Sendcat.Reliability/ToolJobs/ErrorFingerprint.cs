using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Gives errors of one cause one name, by which dead letters are grouped.</summary>
public static partial class ErrorFingerprint
{
    /// <summary>Longest error text that is kept.</summary>
    public const int LongestError = 600;

    /// <returns>12 hex digits; the same for texts that differ only in numbers, ids, quoted words and addresses.</returns>
    public static string Of(string error)
    {
        var cause = Varying().Replace(Cut(error), "#").ToLowerInvariant();
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cause)))[..12];
    }

    public static string Cut(string error) => error.Length <= LongestError ? error : error[..LongestError];

    [GeneratedRegex("""https?://\S+|"[^"]*"|'[^']*'|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b[0-9a-fA-F]{12,}\b|\d+(\.\d+)?""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Varying();
}
