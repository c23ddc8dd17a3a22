using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>The application tokens that the emulator has issued, with the expiry and the remaining uses of each.</summary>
internal sealed class EbayTokens(TimeProvider clock)
{
    private const int MaxTokens = 10_000;

    private readonly ConcurrentDictionary<string, Grant> _grants = new(StringComparer.Ordinal);

    /// <summary>Issues a new token.</summary>
    /// <param name="life">How long the token is valid. The response reports the same value as <c>expires_in</c>.</param>
    /// <param name="uses">The token is refused after this number of requests, even before it expires; null: no such limit.</param>
    public string Issue(TimeSpan life, int? uses)
    {
        if (_grants.Count > MaxTokens)
        {
            _grants.Clear();
        }

        // Like a token of eBay, this one is long and contains characters that need escaping in some headers and logs.
        var token = $"v^1.1#i^1#p^1#r^0#I^3#f^0#t^{Convert.ToBase64String(RandomNumberGenerator.GetBytes(96))}";
        _grants[token] = new(clock.GetUtcNow() + life, uses ?? int.MaxValue);
        return token;
    }

    public bool Accepts(string token) =>
        _grants.TryGetValue(token, out var grant) && clock.GetUtcNow() < grant.Until && Interlocked.Decrement(ref grant.UsesLeft) >= 0;

    /// <summary>Revokes every token that was issued so far, as eBay does when the secret of a client is rotated.</summary>
    public void Revoke() => _grants.Clear();

    private sealed class Grant(DateTimeOffset until, int uses)
    {
        public int UsesLeft = uses;

        public DateTimeOffset Until { get; } = until;
    }
}
