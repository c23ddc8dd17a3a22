using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>Signs ID tokens, with the faults that the directions request.</summary>
internal static class IdTokens
{
    private const string Issuer = "https://accounts.google.com";

    private static readonly TimeSpan Life = TimeSpan.FromHours(1);
    private static readonly TimeSpan FarFuture = TimeSpan.FromMinutes(30);

    public static string Sign(GoogleSigningKeys keys, GrantedCode grant, string account, RestDirections directions, DateTimeOffset now)
    {
        var fault = directions.IdToken;
        var issued = fault switch
        {
            IdTokenFault.Expired => now - Life - FarFuture,
            IdTokenFault.Future => now + FarFuture,
            _ => now,
        };
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = fault is IdTokenFault.WrongIssuer ? "https://accounts.example.com" : directions.Issuer ?? Issuer,
            ["azp"] = fault is IdTokenFault.WrongAzp ? "another-client" : grant.Client,
            ["aud"] = fault is IdTokenFault.WrongAudience ? "another-client" : grant.Client,
            ["sub"] = directions.Subject ?? SubjectOf(account),
            ["email"] = account,
            ["email_verified"] = !directions.Unverified,
            ["name"] = NameOf(account),
            ["iat"] = issued.ToUnixTimeSeconds(),
            ["exp"] = (issued + Life).ToUnixTimeSeconds(),
        };
        if (directions.HostedDomain is { } domain)
        {
            claims["hd"] = domain;
        }

        if (grant.Nonce is { } nonce && fault is not IdTokenFault.NoNonce)
        {
            claims["nonce"] = fault is IdTokenFault.WrongNonce ? "another-nonce" : nonce;
        }

        return fault switch
        {
            IdTokenFault.NoSignature => $"{Encode(new { alg = "none", typ = "JWT" })}.{Encode(claims)}.",
            IdTokenFault.Hs256 => Hs256(keys.Current, claims),
            IdTokenFault.OtherKey => Rs256(GoogleSigningKeys.Create(), claims),
            IdTokenFault.BadSignature => Rs256(GoogleSigningKeys.Create() with { Id = keys.Current.Id }, claims),
            _ => Rs256(keys.Current, claims),
        };
    }

    /// <summary>The claims of a token that Pub/Sub sends with a push.</summary>
    public static Dictionary<string, object> PushClaims(string audience, string serviceAccount, DateTimeOffset now) =>
        new(StringComparer.Ordinal)
    {
        ["iss"] = Issuer,
        ["azp"] = SubjectOf(serviceAccount),
        ["aud"] = audience,
        ["sub"] = SubjectOf(serviceAccount),
        ["email"] = serviceAccount,
        ["email_verified"] = true,
        ["iat"] = now.ToUnixTimeSeconds(),
        ["exp"] = (now + Life).ToUnixTimeSeconds(),
    };

    /// <summary>Signs claims as Google does, or with a fault of the signature.</summary>
    public static string Sign(GoogleSigningKeys keys, object claims, IdTokenFault fault) => fault switch
    {
        IdTokenFault.None => Rs256(keys.Current, claims),
        IdTokenFault.NoSignature => $"{Encode(new { alg = "none", typ = "JWT" })}.{Encode(claims)}.",
        IdTokenFault.Hs256 => Hs256(keys.Current, claims),
        IdTokenFault.OtherKey => Rs256(GoogleSigningKeys.Create(), claims),
        IdTokenFault.BadSignature => Rs256(GoogleSigningKeys.Create() with { Id = keys.Current.Id }, claims),
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    /// <summary>A stable number for an address, as Google's ids are.</summary>
    private static string SubjectOf(string account) =>
        $"1{BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(account.ToUpperInvariant()))):D20}";

    private static string NameOf(string account)
    {
        var name = account.Split('@')[0];
        return name.Length == 0 ? account : char.ToUpperInvariant(name[0]) + name[1..];
    }

    private static string Rs256(GoogleSigningKeys.SigningKey key, object claims)
    {
        var signed = $"{Encode(new { alg = "RS256", kid = key.Id, typ = "JWT" })}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(key.Rsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    /// <summary>A token whose secret is the public key: the classic confusion of algorithms.</summary>
    private static string Hs256(GoogleSigningKeys.SigningKey key, object claims)
    {
        var signed = $"{Encode(new { alg = "HS256", kid = key.Id, typ = "JWT" })}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key.Rsa.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(object part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
}
