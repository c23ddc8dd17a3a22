using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sendcat.Reliability.ToolCache;

/// <summary>Spells keys so that questions which mean the same have the same key.</summary>
public static class ToolCacheKey
{
    /// <summary>Characters of a key; a longer one keeps its beginning and gets a hash, so that no two questions share a key.</summary>
    public const int Longest = 512;

    private const int HashLength = 64;

    /// <returns>Trimmed, lower-cased, at most 512 characters.</returns>
    public static string Of(string text)
    {
        var key = Text(text);
        return key.Length <= Longest ? key : key[..(Longest - HashLength - 1)] + "#" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }

    /// <summary>A key out of named fields in their order: <c>q=…&amp;limit=…</c>, missing ones empty.</summary>
    public static string Of(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var key = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            // Without this a text could spell a neighbour's field.
            var text = Text(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "").Replace("%", "%25", StringComparison.Ordinal).Replace("&", "%26", StringComparison.Ordinal);
            key.Append(key.Length == 0 ? "" : "&").Append(name).Append('=').Append(text);
        }

        return Of(key.ToString());
    }

    private static string Text(string text) => text.Trim().ToLowerInvariant();
}
