using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Google;

/// <summary>Validates tokens that Google signs: ID tokens of sign-ins, and those of its push services.</summary>
public sealed class GoogleIdTokens(GoogleKeys keys, TimeProvider time)
{
    private const int MaxLength = 16 * 1024;
    private const int MaxSubjectLength = 255;

    /// <summary>The accepted difference between Google's clock and ours.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    private static readonly string[] Issuers = ["https://accounts.google.com", "accounts.google.com"];

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = MaxLength, MapInboundClaims = false };

    /// <summary>
    /// Checks the signature (RS256 only), issuer, audience, authorized party, expiry, time of issue and nonce. The claims of the identity are not
    /// judged: see <see cref="GoogleIdentity.EmailVerified"/>.
    /// </summary>
    /// <param name="token">The token.</param>
    /// <param name="audience">The client id, or the audience that was configured for a push service.</param>
    /// <param name="nonce">The nonce that the token must contain; null: none is required.</param>
    /// <param name="cancellationToken">Cancels the wait for keys.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<IdTokenResult> ValidateAsync(string token, string audience, string? nonce, CancellationToken cancellationToken)
    {
        if (token.Length > MaxLength || Parse(token) is not { } parsed)
        {
            return new(null, IdTokenFault.Malformed);
        }

        // Checked before a key is looked up: a token with another algorithm or without a key id costs no request.
        if (parsed.Alg != SecurityAlgorithms.RsaSha256 || parsed.TryGetHeaderValue<object>("crit", out _) || parsed.Kid is not { Length: > 0 } id)
        {
            return new(null, IdTokenFault.Signature);
        }

        var (key, error) = await keys.FindAsync(id, cancellationToken);
        if (error is not null)
        {
            return new(null, IdTokenFault.KeysUnavailable);
        }

        if (key is null)
        {
            return new(null, IdTokenFault.Signature);
        }

        var result = await _handler.ValidateTokenAsync(token, Parameters(key, audience));
        return result.IsValid ? Read((JsonWebToken)result.SecurityToken, audience, nonce) : new(null, FaultOf(result.Exception));
    }

    private TokenValidationParameters Parameters(SecurityKey key, string audience) => new()
    {
        IssuerSigningKey = key,
        ValidAlgorithms = [SecurityAlgorithms.RsaSha256],
        ValidIssuers = Issuers,
        ValidAudience = audience,
        // An audience is compared as it is: the address of a push endpoint with another slash is another one.
        IgnoreTrailingSlashWhenValidatingAudience = false,
        RequireExpirationTime = true,
        RequireSignedTokens = true,
        // The library reads the system clock.
        LifetimeValidator = (notBefore, expires, _, _) =>
            expires is { } until && time.GetUtcNow().UtcDateTime < until + ClockSkew
            && (notBefore is not { } from || from - ClockSkew <= time.GetUtcNow().UtcDateTime),
    };

    private IdTokenResult Read(JsonWebToken token, string audience, string? nonce)
    {
        // In a sign-in, another authorized party, or several audiences without one, mean that the token was issued for another application.
        // Tokens of push services name a service account there.
        var party = token.TryGetPayloadValue<string>("azp", out var azp) ? azp : null;
        if ((party is not null || token.Audiences.Count() > 1) && nonce is not null && party != audience)
        {
            return new(null, IdTokenFault.Audience);
        }

        if (!token.TryGetPayloadValue<long>("iat", out var issuedAt) || DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(issuedAt, 0, uint.MaxValue)) > time.GetUtcNow() + ClockSkew)
        {
            return new(null, IdTokenFault.IssuedInFuture);
        }

        if (nonce is not null && !(token.TryGetPayloadValue<string>("nonce", out var presented) && AreEqual(presented, nonce)))
        {
            return new(null, IdTokenFault.Nonce);
        }

        return token.Subject is { Length: > 0 and <= MaxSubjectLength } subject
            ? new(new(subject, Text(token, "email"), IsTrue(token, "email_verified"), Text(token, "hd"), Text(token, "name")), null)
            : new(null, IdTokenFault.Malformed);
    }

    private JsonWebToken? Parse(string token)
    {
        try
        {
            return _handler.ReadJsonWebToken(token);
        }
        catch (Exception malformed) when (malformed is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }

    private static IdTokenFault FaultOf(Exception failure) => failure switch
    {
        SecurityTokenInvalidIssuerException => IdTokenFault.Issuer,
        SecurityTokenInvalidAudienceException => IdTokenFault.Audience,
        SecurityTokenInvalidLifetimeException or SecurityTokenNoExpirationException => IdTokenFault.Expired,
        SecurityTokenInvalidSignatureException or SecurityTokenInvalidAlgorithmException or SecurityTokenSignatureKeyNotFoundException => IdTokenFault.Signature,
        _ => IdTokenFault.Malformed,
    };

    private static string? Text(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue<string>(claim, out var value) && value.Length > 0 ? value : null;

    /// <summary>Google sends a boolean, and in some responses the text <c>true</c>.</summary>
    private static bool IsTrue(JsonWebToken token, string claim) =>
        (token.TryGetPayloadValue<bool>(claim, out var flag) && flag)
        || (token.TryGetPayloadValue<string>(claim, out var text) && string.Equals(text, "true", StringComparison.Ordinal));

    private static bool AreEqual(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));
}

/// <param name="Identity">The identity of a valid token.</param>
/// <param name="Fault">Why the token is not valid; null: it is.</param>
public readonly record struct IdTokenResult(GoogleIdentity? Identity, IdTokenFault? Fault);

/// <summary>Why a token is not accepted.</summary>
public enum IdTokenFault
{
    /// <summary>It is no token, or a required claim is missing.</summary>
    Malformed,

    /// <summary>It is not signed with RS256 by a key of Google.</summary>
    Signature,

    /// <summary>It was not issued by Google.</summary>
    Issuer,

    /// <summary>It was issued for another application.</summary>
    Audience,

    /// <summary>It has expired, or is not valid yet.</summary>
    Expired,

    /// <summary>Its time of issue is missing or in the future.</summary>
    IssuedInFuture,

    /// <summary>It belongs to another authorization.</summary>
    Nonce,

    /// <summary>Google's keys cannot be read, so nothing is known about the token.</summary>
    KeysUnavailable,
}
