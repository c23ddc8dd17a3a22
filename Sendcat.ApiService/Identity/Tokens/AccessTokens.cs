using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Signing;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>The claims of an access token.</summary>
/// <param name="UserId">The user, claim <c>sub</c>.</param>
/// <param name="Family">
/// The sign-in that the token was issued for, claim <c>fam</c>. When the sign-in is revoked, the token is invalid.
/// </param>
/// <param name="EmailConfirmed">
/// Whether the user's address was confirmed when the token was issued. The claim <c>email_verified</c> is present only when it was not.
/// </param>
internal readonly record struct AccessGrant(string UserId, Guid Family, bool EmailConfirmed = true);

/// <summary>
/// Issues and validates bearer tokens: JWTs signed with HS256 whose <c>sub</c> is the user and whose <c>fam</c> is the sign-in. Validation
/// runs before every chat turn. It therefore costs one hash and a few bytes of JSON, without await and without the database. The tests
/// compare it with Microsoft.IdentityModel.
/// </summary>
internal sealed class AccessTokens(SigningKey key, TimeProvider time)
{
    /// <summary>The time from issue to expiry, one hour.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>The accepted difference between the clocks of two replicas, in seconds.</summary>
    public const long ClockSkewSeconds = 5;

    private const string Issuer = "sendcat";
    private const int MaxTokenLength = 2048;

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

    /// <returns>
    /// The claims, or null for a token that is malformed, expired, not yet valid, without a family, or not signed with our key.
    /// </returns>
    public AccessGrant? Read(ReadOnlySpan<char> token)
    {
        var lastDot = token.LastIndexOf('.');
        if (token.Length > MaxTokenLength || lastDot <= 0 || !IsValidSignature(token[(lastDot + 1)..], token[..lastDot]))
        {
            return null;
        }

        var signed = token[..lastDot];
        var dot = signed.IndexOf('.');
        return dot > 0 && IsHs256(signed[..dot]) ? ParseClaims(signed[(dot + 1)..]) : null;
    }

    private bool IsValidSignature(ReadOnlySpan<char> signature, ReadOnlySpan<char> signed)
    {
        Span<byte> presented = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (!Base64UrlText.TryDecodeExactly(signature, presented))
        {
            return false;
        }

        Span<byte> input = stackalloc byte[MaxTokenLength];
        if (Ascii.FromUtf16(signed, input, out var length) != OperationStatus.Done)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key.Bytes, input[..length], expected);
        return CryptographicOperations.FixedTimeEquals(presented, expected);
    }

    /// <summary>Only HS256 is accepted. A header with <c>crit</c> requires an extension, and none is supported.</summary>
    private static bool IsHs256(ReadOnlySpan<char> header)
    {
        if (header.SequenceEqual(Header))
        {
            return true;
        }

        Span<byte> bytes = stackalloc byte[MaxTokenLength];
        if (!Base64UrlText.TryDecode(header, bytes, out var length))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(bytes[..length]);
            using var json = JsonDocument.ParseValue(ref reader);
            return json.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("alg", out var algorithm)
                && algorithm.ValueKind == JsonValueKind.String
                && algorithm.ValueEquals("HS256")
                && !root.TryGetProperty("crit", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private AccessGrant? ParseClaims(ReadOnlySpan<char> payload)
    {
        Span<byte> bytes = stackalloc byte[MaxTokenLength];
        if (!Base64UrlText.TryDecode(payload, bytes, out var length))
        {
            return null;
        }

        try
        {
            return ParseClaims(new Utf8JsonReader(bytes[..length]), time.GetUtcNow().ToUnixTimeSeconds());
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or FormatException)
        {
            // A claim has the wrong type, or contains half of a surrogate pair.
            return null;
        }
    }

    private static AccessGrant? ParseClaims(Utf8JsonReader json, long now)
    {
        var (isIssuer, confirmed, expires, notBefore) = (false, true, double.MinValue, double.MinValue);
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
                isIssuer = json.TokenType == JsonTokenType.String && json.ValueTextEquals(Issuer);
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

        return isIssuer
            && now < expires + ClockSkewSeconds
            && notBefore <= now + ClockSkewSeconds
            && family != default
            && user is { Length: > 0 and <= 64 } ? new(user, family, confirmed) : null;
    }

    /// <summary>True when the property has this name; the reader then is at its value.</summary>
    private static bool Is(ref Utf8JsonReader json, ReadOnlySpan<byte> name) => json.ValueTextEquals(name) && json.Read();
}
