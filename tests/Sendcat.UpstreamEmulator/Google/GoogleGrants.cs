using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>The consents of accounts, with the refresh and access tokens that were issued for them.</summary>
internal sealed class GoogleGrants(TimeProvider clock)
{
    /// <summary>Lifetime of an access token.</summary>
    public static readonly TimeSpan AccessLife = TimeSpan.FromSeconds(3599);

    private const int MaxTokens = 20_000;

    private readonly ConcurrentDictionary<string, Consent> _refresh = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (Consent Consent, DateTimeOffset Until)> _access = new(StringComparer.Ordinal);

    public string IssueRefresh(Consent consent)
    {
        var token = $"1//{Random()}";
        Bounded(_refresh)[token] = consent;
        return token;
    }

    public string IssueAccess(Consent consent, TimeSpan life)
    {
        var token = $"ya29.{Random()}";
        Bounded(_access)[token] = (consent, clock.GetUtcNow() + life);
        return token;
    }

    /// <returns>Null for a token that was revoked or never issued.</returns>
    public Consent? OfRefresh(string token) => _refresh.GetValueOrDefault(token);

    /// <returns>Null for a token that has expired, was revoked or was never issued.</returns>
    public Consent? OfAccess(string token) =>
        _access.TryGetValue(token, out var issued) && clock.GetUtcNow() < issued.Until ? issued.Consent : null;

    /// <summary>Revokes the consent of a token: as with Google, all tokens of the account for the client end.</summary>
    public bool Revoke(string token)
    {
        if ((OfRefresh(token) ?? OfAccess(token)) is not { } consent)
        {
            return false;
        }

        End(other => other.Account == consent.Account && other.Client == consent.Client);
        return true;
    }

    /// <summary>Revokes every consent of the account, as its owner does on Google's page.</summary>
    public void RevokeAccount(string account) => End(consent => consent.Account == account);

    /// <summary>Ends all access tokens at once, as if they had expired.</summary>
    public void ExpireAccess() => _access.Clear();

    public int CountOf(string account) => _refresh.Values.Count(consent => consent.Account == account);

    private void End(Func<Consent, bool> ends)
    {
        foreach (var (token, _) in _refresh.Where(issued => ends(issued.Value)))
        {
            _refresh.TryRemove(token, out _);
        }

        foreach (var (token, _) in _access.Where(issued => ends(issued.Value.Consent)))
        {
            _access.TryRemove(token, out _);
        }
    }

    private static ConcurrentDictionary<string, T> Bounded<T>(ConcurrentDictionary<string, T> tokens)
    {
        if (tokens.Count > MaxTokens)
        {
            tokens.Clear();
        }

        return tokens;
    }

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(48));
}

/// <param name="Account">The address of the account, in lower case.</param>
/// <param name="Client">The client id.</param>
/// <param name="Scope">The granted scopes.</param>
internal sealed record Consent(string Account, string Client, string Scope);
