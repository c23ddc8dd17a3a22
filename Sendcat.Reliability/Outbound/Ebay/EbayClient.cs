using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.Outbound.Ebay;

/// <summary>Reads from eBay's REST interfaces as this application: with its token, once more with a new one where the old one is refused.</summary>
public sealed class EbayClient(Upstream upstream, EbayToken tokens, IOptionsMonitor<EbayOptions> options)
{
    /// <param name="path">With its query, for instance <c>buy/browse/v1/item_summary/search?q=kettle</c>.</param>
    /// <param name="read">Makes a value of the JSON; null: it is not what was asked for.</param>
    /// <param name="policy">Null: <see cref="UpstreamPolicy.Ebay"/>.</param>
    public async Task<UpstreamAnswer<T>> GetAsync<T>(string path, Func<JsonElement, T?> read, CancellationToken cancellationToken, UpstreamPolicy? policy = null)
        where T : class
    {
        var settings = options.CurrentValue;
        policy ??= UpstreamPolicy.Ebay;
        for (var again = false; ; again = true)
        {
            var token = await tokens.GetAsync(policy, cancellationToken);
            if (!token.IsGood)
            {
                return token.Error;
            }

            var answer = await upstream.RequestAsync(policy, () => Question(settings, token.Value, path), read, cancellationToken);
            if (again || answer.Error?.Status is not 401)
            {
                return answer;
            }

            tokens.Forget(token.Value);
        }
    }

    private static HttpRequestMessage Question(EbayOptions settings, string token, string path) => new(HttpMethod.Get, $"{settings.BaseUrl.TrimEnd('/')}/{path}")
    {
        Headers =
        {
            { "Authorization", new AuthenticationHeaderValue("Bearer", token).ToString() },
            { "X-EBAY-C-MARKETPLACE-ID", settings.MarketplaceId },
        },
    };
}
