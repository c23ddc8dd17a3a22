using Sendcat.Reliability.Outbound;
using Sendcat.Integrations.Providers;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;

namespace Sendcat.Integrations.Ebay;

/// <summary>
/// The application token for eBay. Concurrent callers share one fetch (single flight). The token is used until shortly before it expires.
/// It is a secret, so it is cached in the memory of this process only.
/// </summary>
public sealed class EbayToken(Upstream upstream, IOptionsMonitor<EbayOptions> options, TimeProvider time) : IDisposable
{
    private const string Scope = "https://api.ebay.com/oauth/api_scope";

    /// <summary>The token is renewed this long before it expires, or after half its lifetime if that is short.</summary>
    private static readonly TimeSpan RefreshMargin = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile CachedToken? _cached;

    /// <summary>The cached token, or a new one.</summary>
    /// <param name="policy">Policy of the request that needs the token. The fetch uses its slot timeout and its deadline.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async ValueTask<UpstreamResult<string>> GetAsync(UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        if (Cached() is { } ready)
        {
            return ready;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(policy.TooLate, cancellationToken);
        try
        {
            await _fetching.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return UpstreamError.TooLate(policy);
        }

        try
        {
            return Cached() is { } meanwhile
                ? meanwhile
                : await FetchAsync(
                    options.CurrentValue,
                    EbaySearchProvider.Policy with { SlotTimeout = policy.SlotTimeout, TooLate = policy.TooLate },
                    cancellationToken);
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Removes the token from the cache, because eBay rejected it before its expiry.</summary>
    public void Invalidate(string token)
    {
        if (_cached is { } cached && cached.Token == token)
        {
            _cached = null;
        }
    }

    public void Dispose() => _fetching.Dispose();

    private string? Cached() =>
        _cached is { } cached && cached.ClientId == options.CurrentValue.ClientId && time.GetUtcNow() < cached.Until ? cached.Token : null;

    private async Task<UpstreamResult<string>> FetchAsync(EbayOptions settings, UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        if (settings.ClientId.Length == 0 || settings.ClientSecret.Length == 0)
        {
            return new UpstreamError("EBAY_CLIENT_ID and EBAY_CLIENT_SECRET are not set.", Retryable: false) { IsMisconfigured = true };
        }

        var result = await upstream.RequestAsync(
            policy,
            CreateRequest,
            body => body.Text("access_token") is { } token
                ? new CachedToken(settings.ClientId, token, ExpiryOf(body.Number("expires_in")))
                : null,
            cancellationToken);
        if (!result.IsSuccess)
        {
            return result.Error;
        }

        _cached = result.Value;
        return result.Value.Token;

        HttpRequestMessage CreateRequest() => new(HttpMethod.Post, $"{settings.BaseUrl.TrimEnd('/')}/identity/v1/oauth2/token")
        {
            Headers =
            {
                Authorization = new AuthenticationHeaderValue(
                    "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{settings.ClientId}:{settings.ClientSecret}"))),
            },
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("scope", Scope)]),
        };
    }

    private DateTimeOffset ExpiryOf(double? seconds)
    {
        var lifetime = TimeSpan.FromSeconds(Math.Clamp(seconds ?? 0, 0, 86_400));
        return time.GetUtcNow() + (lifetime > 2 * RefreshMargin ? lifetime - RefreshMargin : lifetime / 2);
    }

    private sealed record CachedToken(string ClientId, string Token, DateTimeOffset Until);
}
