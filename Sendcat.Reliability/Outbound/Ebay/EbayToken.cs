using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.Outbound.Ebay;

/// <summary>The application's token for eBay: fetched once for all who ask, used until shortly before it runs out. Kept in this process alone, being a secret.</summary>
public sealed class EbayToken(Upstream upstream, IOptionsMonitor<EbayOptions> options, TimeProvider time) : IDisposable
{
    private const string Scope = "https://api.ebay.com/oauth/api_scope";

    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile Kept? _kept;

    /// <param name="policy">Of the question that needs it.</param>
    public async ValueTask<UpstreamAnswer<string>> GetAsync(UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        if (Fresh() is { } ready)
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
            return Fresh() is { } meanwhile
                ? meanwhile
                : await FetchAsync(options.CurrentValue, UpstreamPolicy.Ebay with { PlacePatience = policy.PlacePatience, TooLate = policy.TooLate }, cancellationToken);
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>eBay refused it before its time.</summary>
    public void Forget(string token)
    {
        if (_kept is { } kept && kept.Token == token)
        {
            _kept = null;
        }
    }

    public void Dispose() => _fetching.Dispose();

    private string? Fresh() => _kept is { } kept && kept.ClientId == options.CurrentValue.ClientId && time.GetUtcNow() < kept.Until ? kept.Token : null;

    private async Task<UpstreamAnswer<string>> FetchAsync(EbayOptions settings, UpstreamPolicy policy, CancellationToken cancellationToken)
    {
        if (settings.ClientId.Length == 0 || settings.ClientSecret.Length == 0)
        {
            return new UpstreamError("EBAY_CLIENT_ID and EBAY_CLIENT_SECRET are not set.", Retryable: false) { IsMisconfigured = true };
        }

        var answer = await upstream.RequestAsync(policy, Question, body => body.Text("access_token") is { } token ? new Kept(settings.ClientId, token, Until(body.Number("expires_in"))) : null, cancellationToken);
        if (!answer.IsGood)
        {
            return answer.Error;
        }

        _kept = answer.Value;
        return answer.Value.Token;

        HttpRequestMessage Question() => new(HttpMethod.Post, $"{settings.BaseUrl.TrimEnd('/')}/identity/v1/oauth2/token")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{settings.ClientId}:{settings.ClientSecret}"))) },
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("scope", Scope)]),
        };
    }

    private DateTimeOffset Until(double? seconds)
    {
        var lives = TimeSpan.FromSeconds(Math.Clamp(seconds ?? 0, 0, 86_400));
        return time.GetUtcNow() + (lives > 2 * Early ? lives - Early : lives / 2);
    }

    private sealed record Kept(string ClientId, string Token, DateTimeOffset Until);
}
