using Sendcat.Reliability.Outbound;
using Sendcat.Integrations.Providers;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Sendcat.Integrations.Ebay;

/// <summary>Sends GET requests to eBay's REST APIs with the application token. After a 401 it retries once with a new token.</summary>
public sealed class EbayClient(Upstream upstream, EbayToken tokens, IOptionsMonitor<EbayOptions> options)
{
    /// <summary>Sends a GET request and reads the JSON of the response.</summary>
    /// <param name="path">Path with query, for instance <c>buy/browse/v1/item_summary/search?q=kettle</c>.</param>
    /// <param name="read">Converts the JSON to a value; null: the JSON has an unexpected shape.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <param name="policy">Null: <see cref="EbaySearchProvider.Policy"/>.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<UpstreamResult<T>> GetAsync<T>(
        string path, Func<JsonElement, T?> read, CancellationToken cancellationToken, UpstreamPolicy? policy = null)
        where T : class
    {
        var settings = options.CurrentValue;
        policy ??= EbaySearchProvider.Policy;
        for (var again = false; ; again = true)
        {
            var token = await tokens.GetAsync(policy, cancellationToken);
            if (!token.IsSuccess)
            {
                return token.Error;
            }

            var result = await upstream.RequestAsync(policy, () => CreateRequest(settings, token.Value, path), read, cancellationToken);
            if (again || result.Error?.Status is not 401)
            {
                return result;
            }

            tokens.Invalidate(token.Value);
        }
    }

    private static HttpRequestMessage CreateRequest(EbayOptions settings, string token, string path) =>
        new(HttpMethod.Get, $"{settings.BaseUrl.TrimEnd('/')}/{path}")
        {
            Headers =
            {
                { "Authorization", new AuthenticationHeaderValue("Bearer", token).ToString() },
                { "X-EBAY-C-MARKETPLACE-ID", settings.MarketplaceId },
            },
        };
}
