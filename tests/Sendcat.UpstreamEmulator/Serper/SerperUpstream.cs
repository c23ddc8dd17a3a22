using System.Globalization;
using System.Text.Json;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.Serper;

/// <summary>Emulates Serper under <c>/serper</c>: <c>POST search</c> and <c>POST shopping</c>.</summary>
internal sealed class SerperUpstream(RestRequestHandler handler) : IRestUpstream
{
    private const int MaxResults = 100;
    private static readonly string[] Merchants =
        ["Harbour Electrics", "miami-outlet.example", "The Good Shelf", "Island Direct", "sunrise-deals.example", "Casa Caribe"];

    public string Name => "serper";

    public RestResponse Refuse(int status, string? message = null) => RestResponse.Of(
        new
        {
            message = message ?? status switch
            {
                400 => "Not enough credits",
                403 => "Unauthorized.",
                429 => "Rate limit exceeded.",
                _ => "Internal server error.",
            },
            statusCode = status,
        },
        status);

    public async Task ServeAsync(HttpContext http, string route)
    {
        RestRequest request;
        try
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            request = Read(http, route, body.RootElement.Clone());
        }
        catch (JsonException)
        {
            request = new(route, "", Refuse(400, "Unexpected token in JSON body"), (_, _) => throw new InvalidOperationException());
        }

        await handler.ServeAsync(http, this, request);
    }

    private RestRequest Read(HttpContext http, string route, JsonElement body)
    {
        var isObject = body.ValueKind is JsonValueKind.Object;
        var text = isObject && body.TryGetProperty("q", out var q) && q.ValueKind is JsonValueKind.String ? q.GetString()!.Trim() : "";
        var count = isObject && body.TryGetProperty("num", out var num) && num.TryGetInt32(out var n) ? Math.Clamp(n, 1, MaxResults) : 10;
        var refusal = !ApiKey.IsValid(http.Request.Headers["X-API-KEY"]) ? Refuse(403)
            : text.Length == 0 ? Refuse(400, "Missing query parameter")
            : null;
        return new(route, text, refusal, (query, directions) => route == "search"
            ? Search(query, directions.Results ?? count, Extra(directions))
            : Shopping(http.Request, query, directions.Results ?? count, Extra(directions))) { Body = body };
    }

    private static RestResponse Search(string query, int count, IEnumerable<object> extra) => RestResponse.Of(new
    {
        searchParameters = new { q = query, type = "search", num = count, engine = "google" },
        organic = Pages.About(query, count)
            .Select(page => (object)new { page.Title, page.Link, page.Snippet, page.Position }).Concat(extra).ToArray(),
        relatedSearches = new[] { new { query = $"{query} near me" } },
        credits = 1,
    });

    private static RestResponse Shopping(HttpRequest request, string query, int count, IEnumerable<object> extra) => RestResponse.Of(new
    {
        searchParameters = new { q = query, type = "shopping", num = count, engine = "google" },
        shopping = OfferGenerator.Offers(query, "google").Take(count).Select((offer, i) => Row(request, offer, i + 1)).Concat(extra)
            .ToArray(),
        credits = 2,
    });

    /// <summary>A row of a shopping search. Most rows link to Google's page of the product, some to the shop itself.</summary>
    private static object Row(HttpRequest request, Offer offer, int position)
    {
        var merchant = new SeededRandom(offer.Number).One(Merchants);
        return new
        {
            offer.Title,
            source = merchant,
            link = merchant.Contains('.', StringComparison.Ordinal)
                ? $"https://www.{merchant}/p/{offer.Number}"
                : $"https://www.google.com/shopping/product/{offer.Number}",
            price = "$" + offer.Price,
            delivery = offer.ShippingCents == 0 ? "Free delivery" : null,
            imageUrl = Pictures.Of(request, offer),
            offer.Rating,
            ratingCount = offer.Reviews,
            offers = (1 + (offer.Reviews % 9)).ToString(CultureInfo.InvariantCulture),
            productId = offer.Number,
            position,
        };
    }

    private static IEnumerable<object> Extra(RestDirections directions) => Junk(directions.Junk).Concat(Hostile(directions.Hostile));

    /// <summary>Rows that attack the client that displays them: their links are scripts, and their texts are very long.</summary>
    private static IEnumerable<object> Hostile(int count) => Enumerable.Range(0, count).Select(i => new
    {
        title = "Hostile " + new string('t', 5_000),
        link = (i % 4) switch
        {
            0 => "javascript:alert(document.cookie)",
            1 => "data:text/html,<script>alert(1)</script>",
            2 => "JaVaScRiPt://hostile.example/%0Aalert(1)",
            _ => "https://hostile.example/page",
        },
        imageUrl = "javascript:alert(2)",
        snippet = new string('s', 200_000),
        source = new string('n', 5_000),
        price = "$1.00",
        position = 1 + i,
    });

    /// <summary>Incomplete rows, as real responses sometimes contain: without a link, without a title, or with wrong types only.</summary>
    private static IEnumerable<object> Junk(int count) => Enumerable.Range(0, count).Select(i => (i % 3) switch
    {
        0 => (object)new { title = "Leads nowhere", source = "Nobody", position = 90 + i },
        1 => new { link = "https://untitled.example/", price = "$1.00", position = 90 + i },
        _ => new { title = 7, link = new { a = 1 }, price = Array.Empty<string>(), rating = "many", ratingCount = -3 },
    });
}

internal static class SerperRoutes
{
    public static void MapSerper(this WebApplication app)
    {
        var serper = app.Services.GetRequiredService<SerperUpstream>();
        app.MapPost("/serper/search", http => serper.ServeAsync(http, "search"));
        app.MapPost("/serper/shopping", http => serper.ServeAsync(http, "shopping"));
    }
}
