using System.Buffers.Text;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>A <c>data:</c> address with the content of a file as base64, as <c>useChat</c> sends it.</summary>
internal static class DataAddress
{
    private const string Encoding = ";base64";

    public static bool Is(string url) => url.StartsWith("data:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Decodes the content. White space between the characters of the base64 has no meaning.</summary>
    /// <returns>Null for another address, and for one that is not valid base64.</returns>
    public static byte[]? BytesOf(string url)
    {
        var comma = Is(url) ? url.IndexOf(',', StringComparison.Ordinal) : -1;
        if (comma < 0 || !url.AsSpan(0, comma).EndsWith(Encoding, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var base64 = url.AsSpan(comma + 1);
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        return Convert.TryFromBase64Chars(base64, bytes, out var length) ? bytes[..length] : null;
    }
}
