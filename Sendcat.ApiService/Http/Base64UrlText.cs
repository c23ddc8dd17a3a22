using System.Buffers;
using System.Buffers.Text;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Decodes untrusted base64url text. The framework's <c>TryDecodeFromChars</c> throws on a character outside the alphabet; these methods
/// never throw.
/// </summary>
internal static class Base64UrlText
{
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, out int written) =>
        Base64Url.DecodeFromChars(text, destination, out _, out written) == OperationStatus.Done;

    /// <summary>True only for the encoding of exactly as many bytes as <paramref name="destination"/> has.</summary>
    public static bool TryDecodeExactly(ReadOnlySpan<char> text, Span<byte> destination) =>
        text.Length == Base64Url.GetEncodedLength(destination.Length)
            && TryDecode(text, destination, out var written)
            && written == destination.Length;
}
