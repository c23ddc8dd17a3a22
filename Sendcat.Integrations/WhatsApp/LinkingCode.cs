using System.Security.Cryptography;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>
/// Codes that users send from their phone to link it. The alphabet has no vowels and no characters that look alike, so that no code is a
/// word and a word is no code.
/// </summary>
public static class LinkingCode
{
    public const int Length = 6;
    private const string Alphabet = "BCDFGHJKLMNPQRSTVWXZ23456789";

    /// <summary>How long a code may be used.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>A new code of the cryptographic generator: one of 480 million.</summary>
    public static string Create() => RandomNumberGenerator.GetString(Alphabet, Length);

    /// <summary>The code of a text that is nothing but a code, in any case and with blanks around it; else null.</summary>
    public static string? Read(string text)
    {
        var code = text.Trim().ToUpperInvariant();
        return code.Length == Length && code.All(character => Alphabet.Contains(character, StringComparison.Ordinal)) ? code : null;
    }

    /// <summary>Whether a text has the form of a code with characters that no code has: a code that was mistyped, or a word.</summary>
    public static bool IsMistyped(string text) =>
        text.Trim() is { Length: Length } code && code.All(char.IsAsciiLetterOrDigit) && Read(code) is null;
}
