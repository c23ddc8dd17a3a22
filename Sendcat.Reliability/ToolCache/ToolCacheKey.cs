using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.ToolCache;

/// <summary>Normalises cache keys, so that equivalent requests have the same key.</summary>
public static class ToolCacheKey
{
    /// <summary>
    /// Maximum length of a key, in characters. A longer key is truncated and gets a hash of its full text, so that two requests do not
    /// share a key.
    /// </summary>
    public const int MaxLength = 512;

    private const int HashLength = 64;

    /// <returns>Trimmed, lower-cased, at most 512 characters.</returns>
    public static string Of(string text)
    {
        var key = Normalize(text);
        return key.Length <= MaxLength
            ? key
            : key[..(MaxLength - HashLength - 1)] + "#" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }

    /// <summary>Builds a key from named fields in their order: <c>q=…&amp;limit=…</c>. A missing value is empty.</summary>
    public static string Of(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var key = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            // Without the escapes the text of one field could imitate another field.
            var text = Normalize(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
                .Replace("%", "%25", StringComparison.Ordinal)
                .Replace("&", "%26", StringComparison.Ordinal);
            key.Append(key.Length == 0 ? "" : "&").Append(name).Append('=').Append(text);
        }

        return Of(key.ToString());
    }

    private static string Normalize(string text) => text.Trim().ToLowerInvariant();
}
