using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Bearer tokens: JWTs signed with HS256 whose <c>sub</c> is the user. Reading one costs a hash and a few bytes of JSON, no await and no database, because it stands before every chat turn;
/// the tests hold it against Microsoft.IdentityModel.
/// </summary>
internal sealed class AccessTokens(SigningKey key, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private const string Issuer = "sendcat";
    private const int LongestToken = 2048;

    /// <summary>How far the clocks of two replicas may be apart.</summary>
    private const long ClockSkewSeconds = 5;

    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    public string Issue(string userId)
    {
        var now = time.GetUtcNow();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = Issuer,
            ["sub"] = userId,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
        };
        var signed = $"{Header}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key.Bytes, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <returns>The user, or null for a token that is malformed, expired, not yet valid, or not signed by us.</returns>
    public string? Read(ReadOnlySpan<char> token)
    {
        var cut = token.LastIndexOf('.');
        if (token.Length > LongestToken || cut <= 0 || !Signs(token[(cut + 1)..], token[..cut]))
        {
            return null;
        }

        var signed = token[..cut];
        var dot = signed.IndexOf('.');
        return dot > 0 && IsHs256(signed[..dot]) ? Subject(signed[(dot + 1)..]) : null;
    }

    private bool Signs(ReadOnlySpan<char> signature, ReadOnlySpan<char> signed)
    {
        Span<byte> presented = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (signature.Length != Base64Url.GetEncodedLength(presented.Length) || !Base64Url.TryDecodeFromChars(signature, presented, out var written) || written != presented.Length)
        {
            return false;
        }

        Span<byte> input = stackalloc byte[LongestToken];
        if (Ascii.FromUtf16(signed, input, out var length) != System.Buffers.OperationStatus.Done)
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

        using var json = Decode(header);
        return json?.RootElement is { ValueKind: JsonValueKind.Object } root
            && root.TryGetProperty("alg", out var algorithm) && algorithm.ValueKind == JsonValueKind.String && algorithm.ValueEquals("HS256")
            && !root.TryGetProperty("crit", out _);
    }

    private string? Subject(ReadOnlySpan<char> payload)
    {
        using var json = Decode(payload);
        if (json?.RootElement is not { ValueKind: JsonValueKind.Object } claims)
        {
            return null;
        }

        var now = time.GetUtcNow().ToUnixTimeSeconds();
        return Text(claims, "iss") == Issuer
            && Seconds(claims, "exp") is { } expires && now < expires + ClockSkewSeconds
            && (!claims.TryGetProperty("nbf", out _) || Seconds(claims, "nbf") <= now + ClockSkewSeconds)
            && Text(claims, "sub") is { Length: > 0 and <= 64 } subject
            ? subject
            : null;
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Seconds(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) ? seconds : null;

    private static JsonDocument? Decode(ReadOnlySpan<char> part)
    {
        try
        {
            return JsonDocument.Parse(Base64Url.DecodeFromChars(part));
        }
        catch (Exception malformed) when (malformed is FormatException or JsonException)
        {
            return null;
        }
    }
}
