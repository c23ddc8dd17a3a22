using System.Globalization;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.SerpApi;

/// <summary>Emulates SerpAPI under <c>/serpapi</c>: <c>GET search.json</c> with the engine <c>google_shopping</c>.</summary>
internal sealed class SerpApiUpstream(RestRequestHandler handler) : IRestUpstream
{
    private const string Shopping = "google_shopping";
    private const string NoResults = "Google hasn't returned any results for this query.";

    public string Name => "serpapi";

    public RestResponse Refuse(int status, string? message = null) => RestResponse.Of(
        new
        {
            error = message ?? status switch
            {
                400 => "Missing query `q` parameter.",
                401 => "Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key",
                403 => "Your account has been deactivated.",
                429 => "Your account has run out of searches.",
                _ => "We couldn't process your request. Please try again.",
            },
        },
        status);

    public Task ServeAsync(HttpContext http)
    {
        var parameters = http.Request.Query;
        var query = parameters["q"].ToString().Trim();
        var refusal = !ApiKey.IsValid(parameters["api_key"]) ? Refuse(401)
            : query.Length == 0 ? Refuse(400)
            : parameters["engine"] != Shopping ? Refuse(400, $"Unsupported `{parameters["engine"]}` search engine.")
            : null;
        var count = int.TryParse(parameters["num"], NumberStyles.None, CultureInfo.InvariantCulture, out var num)
            ? Math.Clamp(num, 1, 100)
            : 40;
        return handler.ServeAsync(http, this, new(
            "search.json", query, refusal, (text, directions) => Answer(http.Request, text, directions.Results ?? count, directions.Junk)));
    }

    /// <summary>The search response. Without results it has status 200 and an <c>error</c> property, as at SerpAPI.</summary>
    private static RestResponse Answer(HttpRequest request, string query, int count, int junk)
    {
        var rows = OfferGenerator.Offers(query, "google").Take(count).Select((offer, i) => Row(request, offer, i + 1))
            .Concat(Enumerable.Range(0, junk).Select(object (_) => new { title = "Leads nowhere", extracted_price = "?" })).ToArray();
        return RestResponse.Of(new
        {
            search_metadata = new
            {
                id = string.Create(CultureInfo.InvariantCulture, $"{new SeededRandom(query).Below(int.MaxValue):x24}"),
                status = "Success",
            },
            search_parameters = new { engine = Shopping, q = query },
            search_information = new { shopping_results_state = rows.Length == 0 ? "Fully empty" : "Results for exact spelling" },
            shopping_results = rows.Length == 0 ? null : rows,
            error = rows.Length == 0 ? NoResults : null,
        });
    }

    private static object Row(HttpRequest request, Offer offer, int position) => new
    {
        position,
        offer.Title,
        product_id = offer.Number,
        product_link = $"https://www.google.com/shopping/product/{offer.Number}",
        source = "Harbour Electrics",
        price = "$" + offer.Price,
        extracted_price = offer.Cents / 100.0,
        offer.Rating,
        reviews = offer.Reviews,
        thumbnail = Pictures.Of(request, offer),
        delivery = offer.ShippingCents == 0 ? "Free delivery" : null,
        second_hand_condition = offer.Condition == Condition.New ? null : offer.Condition.Name.ToLowerInvariant(),
    };
}

internal static class SerpApiRoutes
{
    public static void MapSerpApi(this WebApplication app) =>
        app.MapGet("/serpapi/search.json", app.Services.GetRequiredService<SerpApiUpstream>().ServeAsync);
}
