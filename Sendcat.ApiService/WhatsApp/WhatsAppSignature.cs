using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Sendcat.ApiService.WhatsApp;

/// <summary>
/// The signature of a delivery: HMAC-SHA256 of the bytes as they were sent. Meta escapes characters before it signs, so bytes that were
/// parsed and written again have another signature.
/// </summary>
internal static class WhatsAppSignature
{
    public const string Header = "X-Hub-Signature-256";
    private const string Prefix = "sha256=";

    /// <summary>Whether the one header has the right signature. The comparison takes the same time for every wrong one.</summary>
    /// <param name="secret">The secret of the app; with an empty one nothing is authentic.</param>
    public static bool IsValid(StringValues header, ReadOnlySpan<byte> body, string secret)
    {
        Span<byte> sent = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (secret.Length == 0
            || header is not [{ } value]
            || !value.StartsWith(Prefix, StringComparison.Ordinal)
            || Convert.FromHexString(
                value.AsSpan(Prefix.Length), sent, out var consumed, out var written) is not System.Buffers.OperationStatus.Done
            || consumed + Prefix.Length != value.Length || written != sent.Length)
        {
            return false;
        }

        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body, expected);
        return CryptographicOperations.FixedTimeEquals(sent, expected);
    }
}
