using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Google;

/// <summary>
/// The keys that sign Google's tokens, cached in this process. Concurrent callers share one fetch (single flight). Keys are read again every
/// hour, and when a token names an unknown one, at most once a minute: forged tokens must not cause a request each. While Google cannot be
/// reached, keys are used for a day; without usable keys it is asked at most every five seconds.
/// </summary>
public sealed class GoogleKeys(Upstream upstream, IOptionsMonitor<GoogleOptions> options, TimeProvider time) : IDisposable
{
    private const long MaxBytes = 64 * 1024;

    private static readonly TimeSpan FreshFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan UsableFor = TimeSpan.FromDays(1);

    /// <summary>The minimum interval of fetches for unknown keys, and of fetches after a failed one while there are usable keys.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromMinutes(1);

    /// <summary>The minimum interval after a failed fetch without usable keys: until one succeeds nobody can sign in.</summary>
    private static readonly TimeSpan MinIntervalWithoutKeys = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile CachedKeys? _cached;
    private DateTimeOffset _unknownAt = DateTimeOffset.MinValue;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;

    /// <param name="id">The <c>kid</c> of a token.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The key; null when Google has no key with this id; an error when the keys cannot be read.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async ValueTask<(SecurityKey? Key, UpstreamError? Error)> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (_cached is { } cached && cached.Keys.TryGetValue(id, out var key) && (IsFresh(cached) || (IsUsable(cached) && _fetching.CurrentCount == 0)))
        {
            return (key, null);
        }

        await _fetching.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            var error = IsDue(id, now) ? await FetchAsync(cancellationToken) : null;
            return _cached is { } found && IsUsable(found)
                ? (found.Keys.GetValueOrDefault(id), null)
                : (null, error ?? new UpstreamError($"{GmailOAuthProvider.Provider.Name}: no keys", Retryable: true));
        }
        finally
        {
            _fetching.Release();
        }
    }

    public void Dispose() => _fetching.Dispose();

    private bool IsFresh(CachedKeys keys) => time.GetUtcNow() - keys.At < FreshFor;

    private bool IsUsable(CachedKeys keys) => time.GetUtcNow() - keys.At < UsableFor;

    private bool IsDue(string id, DateTimeOffset now)
    {
        if (_cached is not { } cached || !IsUsable(cached))
        {
            return now - _failedAt >= MinIntervalWithoutKeys;
        }

        if (now - _failedAt < MinInterval)
        {
            return false;
        }

        if (!IsFresh(cached))
        {
            return true;
        }

        if (cached.Keys.ContainsKey(id) || now - _unknownAt < MinInterval)
        {
            return false;
        }

        _unknownAt = now;
        return true;
    }

    private async Task<UpstreamError?> FetchAsync(CancellationToken cancellationToken)
    {
        // Also of a fetch that its caller gives up: else those who wait for it would repeat it one after another.
        _failedAt = time.GetUtcNow();
        var result = await upstream.RequestAsync(
            GmailOAuthProvider.Policy with { Timeout = TimeSpan.FromSeconds(5), Retries = 1, MaxResponseBytes = MaxBytes },
            () => new(HttpMethod.Get, options.CurrentValue.JwksUrl),
            body => Read(body) is { Count: > 0 } keys ? new CachedKeys(keys, time.GetUtcNow()) : null,
            cancellationToken);
        if (!result.IsSuccess)
        {
            _failedAt = time.GetUtcNow();
            return result.Error;
        }

        (_cached, _failedAt) = (result.Value, DateTimeOffset.MinValue);
        return null;
    }

    private static Dictionary<string, SecurityKey> Read(JsonElement set)
    {
        var keys = new Dictionary<string, SecurityKey>(StringComparer.Ordinal);
        foreach (var key in set.Items("keys"))
        {
            if (key.Text("kty") is "RSA" && key.Text("use") is null or "sig" && key.Text("alg") is null or SecurityAlgorithms.RsaSha256
                && key.Text("kid") is { } id && key.Text("n") is { } modulus && key.Text("e") is { } exponent)
            {
                var rsa = new RSAParameters { Modulus = Base64UrlEncoder.DecodeBytes(modulus), Exponent = Base64UrlEncoder.DecodeBytes(exponent) };
                keys[id] = new RsaSecurityKey(rsa) { KeyId = id };
            }
        }

        return keys;
    }

    private sealed record CachedKeys(IReadOnlyDictionary<string, SecurityKey> Keys, DateTimeOffset At);
}
