using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.Integrations.Signing;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Sessions of guests. The issued id is <c>anon_&lt;uuid&gt;.&lt;signature&gt;</c>. Tables and limits use <c>anon_&lt;uuid&gt;</c>, which
/// is not accepted without its signature.
/// </summary>
internal sealed class AnonymousSessions(SigningKey key, IOptionsMonitor<SessionOptions> options, TimeProvider time)
{
    public const string Header = "x-sendcat-session";
    /// <summary>Characters.</summary>
    public const int LongestId = 128;

    private const string Prefix = "anon_";
    private const int SignatureBytes = 16;

    private readonly byte[] _signingKey = key.Derive("anonymous-session");

    /// <summary>True when we issued the session. Accepted unsigned ids never begin with the prefix of issued ones.</summary>
    /// <param name="acceptedId">An id that <see cref="Accept"/> returned.</param>
    public static bool IsSigned(string acceptedId) => acceptedId.StartsWith(Prefix, StringComparison.Ordinal);

    /// <returns>A new signed session id.</returns>
    public string Issue() => Presented($"{Prefix}{Guid.CreateVersion7(time.GetUtcNow()):D}");

    /// <summary>The session id as its client holds it.</summary>
    /// <param name="acceptedId">An id that <see cref="Accept"/> returned. Another id is returned unchanged.</param>
    public string Presented(string acceptedId)
    {
        if (!IsSigned(acceptedId))
        {
            return acceptedId;
        }

        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Sign(acceptedId, signature);
        return $"{acceptedId}.{Base64Url.EncodeToString(signature[..SignatureBytes])}";
    }

    /// <returns>
    /// The id to store, without its signature. Null for an id that is forged, malformed or reserved, and for an unsigned id while
    /// <see cref="SessionOptions.SignedOnly"/> is true.
    /// </returns>
    public string? Accept(string presented)
    {
        if (presented.Length is 0 or > LongestId || presented.StartsWith(Profile.ReservedPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (presented.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return Verify(presented);
        }

        return !options.CurrentValue.SignedOnly && presented.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':')
            ? presented
            : null;
    }

    private string? Verify(string presented)
    {
        var dot = presented.IndexOf('.');
        Span<byte> presentedSignature = stackalloc byte[SignatureBytes];
        if (dot < 0 || !Base64UrlText.TryDecodeExactly(presented.AsSpan(dot + 1), presentedSignature))
        {
            return null;
        }

        var id = presented[..dot];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Sign(id, expected);
        return CryptographicOperations.FixedTimeEquals(presentedSignature, expected[..SignatureBytes]) ? id : null;
    }

    private void Sign(string id, Span<byte> signature)
    {
        Span<byte> text = stackalloc byte[Encoding.UTF8.GetMaxByteCount(LongestId)];
        HMACSHA256.HashData(_signingKey, text[..Encoding.UTF8.GetBytes(id, text)], signature);
    }
}
