using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>eBay's Browse search.</summary>
internal sealed class EbaySearch(Upstream upstream, EbayToken tokens, IOptionsMonitor<UpstreamOptions> options)
{
    public async Task<UpstreamAnswer<IReadOnlyList<Product>>> SearchAsync(SearchProductsArguments asked, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        for (var again = false; ; again = true)
        {
            var token = await tokens.GetAsync(cancellationToken);
            if (!token.IsGood)
            {
                return token.Error;
            }

            var answer = await upstream.AskAsync(UpstreamPolicy.Ebay, () => Question(settings, token.Value, asked), answer => Read(answer, asked), cancellationToken);
            if (again || answer.IsGood || !answer.Error.Message.EndsWith("HTTP 401", StringComparison.Ordinal))
            {
                return answer;
            }

            tokens.Forget(token.Value);
        }
    }

    private static HttpRequestMessage Question(UpstreamOptions settings, string token, SearchProductsArguments asked) =>
        new(HttpMethod.Get, $"{settings.EbayBaseUrl.TrimEnd('/')}/buy/browse/v1/item_summary/search?{EbayQuery.Of(asked)}")
        {
            Headers =
            {
                { "Authorization", new AuthenticationHeaderValue("Bearer", token).ToString() },
                { "X-EBAY-C-MARKETPLACE-ID", settings.EbayMarketplaceId },
            },
        };

    /// <summary>eBay only warns of a filter that it does not honour, so sellers are looked at once more.</summary>
    private static IReadOnlyList<Product>? Read(JsonElement answer, SearchProductsArguments asked) =>
        answer.ValueKind is not JsonValueKind.Object ? null : answer.Items("itemSummaries")
            .Where(item => item.Part("seller")?.Number("feedbackPercentage") is not { } share || share >= asked.SellerRating)
            .Select(Product).OfType<Product>().Take(asked.Limit).ToArray();

    private static Product? Product(JsonElement item)
    {
        if (item.Text("itemId") is not { } id || item.Text("title") is not { } title || item.Text("itemAffiliateWebUrl", "itemWebUrl") is not { } url)
        {
            return null;
        }

        var seller = item.Part("seller");
        return new(id, title, Price(item.Part("price")), item.Part("image")?.Text("imageUrl") ?? "", url)
        {
            Source = "ebay",
            MerchantName = "eBay",
            MerchantDomain = "ebay.com",
            ProductUrl = url,
            SellerName = seller?.Text("username"),
            SellerFeedback = seller?.Text("feedbackPercentage") is { } share ? share + "%" : null,
            Condition = item.Text("condition"),
        };
    }

    private static string Price(JsonElement? price) => price is { } of && of.Text("value") is { } value ? $"{of.Text("currency") ?? "USD"} {value}" : "";
}
