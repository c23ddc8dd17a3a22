using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>The authorization codes that were issued and not used yet. A code is valid for ten minutes and once.</summary>
internal sealed class GoogleCodes(TimeProvider clock)
{
    private const int MaxCodes = 10_000;

    private static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, (GrantedCode Grant, DateTimeOffset Until)> _codes = new(StringComparer.Ordinal);

    public string Issue(GrantedCode grant)
    {
        if (_codes.Count > MaxCodes)
        {
            _codes.Clear();
        }

        var code = $"4/0{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(36))}";
        _codes[code] = (grant, clock.GetUtcNow() + Life);
        return code;
    }

    /// <summary>The account of an unused code, with the markers that it contains.</summary>
    public string? AccountOf(string code) => _codes.TryGetValue(code, out var issued) ? issued.Grant.Account : null;

    public GrantedCode? Take(string code) =>
        _codes.TryRemove(code, out var issued) && clock.GetUtcNow() < issued.Until ? issued.Grant : null;
}

/// <param name="Account">The address of the chosen account, and markers.</param>
/// <param name="Challenge">The PKCE challenge (S256); null: none.</param>
/// <param name="Nonce">The nonce of the ID token; null: none.</param>
/// <param name="Offline">Whether a refresh token is issued.</param>
internal sealed record GrantedCode(
    string Account, string Client, string RedirectUri, string? Challenge, string? Nonce, string Scope, bool Offline);
