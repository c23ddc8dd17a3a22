using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity;

/// <summary>What an access token says.</summary>
/// <param name="Family">The sign-in that it was issued for; when that is revoked, the token is worth nothing.</param>
/// <param name="EmailConfirmed">Whether the user's address was confirmed when the token was issued (<c>email_verified</c>; left out when it was).</param>
internal readonly record struct AccessGrant(string UserId, Guid Family, bool EmailConfirmed = true);

/// <summary>
/// Bearer tokens: JWTs signed with HS256 whose <c>sub</c> is the user and whose <c>fam</c> is the sign-in. Reading one costs a hash and a few bytes of JSON, no await and no database, because it
/// stands before every chat turn; the tests hold it against Microsoft.IdentityModel.
/// </summary>
internal sealed class AccessTokens(SigningKey key, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>How far the clocks of two replicas may be apart.</summary>
    public const long ClockSkewSeconds = 5;

    private const string Issuer = "sendcat";
    private const int LongestToken = 2048;

    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    public string Issue(AccessGrant grant)
    {
        var now = time.GetUtcNow();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["sub"] = grant.UserId,
            ["fam"] = grant.Family,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
        };
        if (!grant.EmailConfirmed)
        {
            claims["email_verified"] = false;
        }

        var signed = $"{Header}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key.Bytes, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <returns>What the token says, or null for one that is malformed, expired, not yet valid, without a family, or not signed by us.</returns>
    public AccessGrant? Read(ReadOnlySpan<char> token)
    {
        var cut = token.LastIndexOf('.');
        if (token.Length > LongestToken || cut <= 0 || !Signs(token[(cut + 1)..], token[..cut]))
        {
            return null;
        }

        var signed = token[..cut];
        var dot = signed.IndexOf('.');
        return dot > 0 && IsHs256(signed[..dot]) ? Grant(signed[(dot + 1)..]) : null;
    }

    private bool Signs(ReadOnlySpan<char> signature, ReadOnlySpan<char> signed)
    {
        Span<byte> presented = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (!Base64UrlText.TryDecodeExactly(signature, presented))
        {
            return false;
        }

        Span<byte> input = stackalloc byte[LongestToken];
        if (Ascii.FromUtf16(signed, input, out var length) != OperationStatus.Done)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key.Bytes, input[..length], expected);
        return CryptographicOperations.FixedTimeEquals(presented, expected);
    }

    /// <summary>Only one algorithm is spoken, whatever a header asks for; an extension that we must understand is one that we do not.</summary>
    private static bool IsHs256(ReadOnlySpan<char> header)
    {
        if (header.SequenceEqual(Header))
        {
            return true;
        }

        Span<byte> bytes = stackalloc byte[LongestToken];
        if (!Base64UrlText.TryDecode(header, bytes, out var length))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(bytes[..length]);
            using var json = JsonDocument.ParseValue(ref reader);
            return json.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("alg", out var algorithm) && algorithm.ValueKind == JsonValueKind.String && algorithm.ValueEquals("HS256")
                && !root.TryGetProperty("crit", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private AccessGrant? Grant(ReadOnlySpan<char> payload)
    {
        Span<byte> bytes = stackalloc byte[LongestToken];
        if (!Base64UrlText.TryDecode(payload, bytes, out var length))
        {
            return null;
        }

        try
        {
            return Grant(new Utf8JsonReader(bytes[..length]), time.GetUtcNow().ToUnixTimeSeconds());
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or FormatException)
        {
            // A value of another type, or half a surrogate pair.
            return null;
        }
    }

    private static AccessGrant? Grant(Utf8JsonReader json, long now)
    {
        var (ours, confirmed, expires, notBefore) = (false, true, double.MinValue, double.MinValue);
        string? user = null;
        Guid family = default;
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (Is(ref json, "iss"u8))
            {
                ours = json.TokenType == JsonTokenType.String && json.ValueTextEquals(Issuer);
            }
            else if (Is(ref json, "sub"u8))
            {
                user = json.GetString();
            }
            else if (Is(ref json, "fam"u8))
            {
                family = json.GetGuid();
            }
            else if (Is(ref json, "exp"u8))
            {
                expires = json.GetDouble();
            }
            else if (Is(ref json, "nbf"u8))
            {
                notBefore = json.GetDouble();
            }
            else if (Is(ref json, "email_verified"u8))
            {
                confirmed = json.GetBoolean();
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }

        return ours && now < expires + ClockSkewSeconds && notBefore <= now + ClockSkewSeconds && family != default && user is { Length: > 0 and <= 64 } ? new(user, family, confirmed) : null;
    }

    /// <summary>When the property is this one, the reader stands on its value.</summary>
    private static bool Is(ref Utf8JsonReader json, ReadOnlySpan<byte> name) => json.ValueTextEquals(name) && json.Read();
}
