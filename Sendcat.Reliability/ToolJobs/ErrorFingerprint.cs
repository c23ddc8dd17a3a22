using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>A fingerprint of an error text. Errors with the same cause have the same fingerprint; dead letters are grouped by it.</summary>
public static partial class ErrorFingerprint
{
    /// <summary>Maximum length of a stored error text, in characters.</summary>
    public const int MaxErrorLength = 600;

    /// <returns>12 hexadecimal digits. They are equal for texts that differ only in numbers, ids, quoted words and URLs.</returns>
    public static string Of(string error)
    {
        var cause = Varying().Replace(Truncate(error), "#").ToLowerInvariant();
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cause)))[..12];
    }

    /// <returns>The first 600 characters of the text.</returns>
    public static string Truncate(string error) => TextLimit.Cut(error, MaxErrorLength);

    [GeneratedRegex(
        """https?://\S+|"[^"]*"|'[^']*'|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b[0-9a-fA-F]{12,}\b|\d+(\.\d+)?""",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Varying();
}
