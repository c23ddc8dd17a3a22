using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>The application tokens that were given out, and how long each is good.</summary>
internal sealed class EbayTokens(TimeProvider clock)
{
    private const int Kept = 10_000;

    private readonly ConcurrentDictionary<string, Grant> grants = new(StringComparer.Ordinal);

    /// <param name="life">As told in <c>expires_in</c>, and true.</param>
    /// <param name="uses">After so many requests it is refused, whatever was told; null: no such limit.</param>
    public string Issue(TimeSpan life, int? uses)
    {
        if (grants.Count > Kept)
        {
            grants.Clear();
        }

        // eBay's tokens are long and have signs in them that need care in headers and logs.
        var token = $"v^1.1#i^1#p^1#r^0#I^3#f^0#t^{Convert.ToBase64String(RandomNumberGenerator.GetBytes(96))}";
        grants[token] = new(clock.GetUtcNow() + life, uses ?? int.MaxValue);
        return token;
    }

    public bool Admits(string token) => grants.TryGetValue(token, out var grant) && clock.GetUtcNow() < grant.Until && Interlocked.Decrement(ref grant.UsesLeft) >= 0;

    /// <summary>None that was given out so far is good any more, as when a client's secret is rotated.</summary>
    public void Revoke() => grants.Clear();

    private sealed class Grant(DateTimeOffset until, int uses)
    {
        public int UsesLeft = uses;

        public DateTimeOffset Until { get; } = until;
    }
}
