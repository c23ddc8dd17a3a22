using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>Emulates eBay under <c>/ebay</c>: application tokens, Browse search and items, Taxonomy.</summary>
internal sealed partial class EbayUpstream(RestRequestHandler handler, EbayTokens tokens, TimeProvider clock) : IRestUpstream
{
    private const string Scope = "https://api.ebay.com/oauth/api_scope";
    private const string Bearer = "Bearer ";
    private const int MaxCachedOffers = 20_000;

    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(2);

    /// <summary>Offers that a search has returned, by number. An item request returns the same data as the search.</summary>
    private readonly ConcurrentDictionary<string, Offer> _returnedOffers = new(StringComparer.Ordinal);

    public string Name => "ebay";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        401 => Error(
            401, 1001, "OAuth", "REQUEST", message ?? "Invalid access token",
            "Invalid access token. Check the value of the Authorization HTTP request header."),
        403 => Error(403, 1100, "ACCESS", "REQUEST", message ?? "Access denied", "Insufficient permissions to fulfill the request."),
        404 => Error(404, 11001, "API_BROWSE", "REQUEST", message ?? "The specified item Id was not found."),
        429 =>
            Error(429, 2001, "ACCESS", "REQUEST", message ?? "Too many requests.", "The request limit has been reached for the resource."),
        >= 500 => Error(
            status, 12000, "API_BROWSE", "APPLICATION",
            message ?? "There was a problem with an eBay internal system or process. Contact eBay developer support for assistance."),
        _ => Error(status, 12001, "API_BROWSE", "REQUEST", message ?? "The request is invalid."),
    };

    public async Task TokenAsync(HttpContext http)
    {
        var form = http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : FormCollection.Empty;
        var refusal = !IsClient(http.Request) ? OAuthError(401, "invalid_client", "client authentication failed")
            : form["grant_type"] != "client_credentials"
            ? OAuthError(400, "unsupported_grant_type", "grant type in request is not supported by the authorization server")
            : form["scope"] != Scope
            ? OAuthError(
                400, "invalid_scope", "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client")
            : null;
        await handler.ServeAsync(http, this, new("token", "", refusal, (_, directions) =>
        {
            var life = directions.ExpiresInMs is { } ms ? TimeSpan.FromMilliseconds(ms) : TokenLife;
            return RestResponse.Of(new
            {
                access_token = tokens.Issue(life, directions.Uses), expires_in = (int)life.TotalSeconds,
                token_type = "Application Access Token",
            });
        }));
    }

    public Task SearchAsync(HttpContext http)
    {
        var parameters = http.Request.Query;
        var (query, category) = (parameters["q"].ToString().Trim(), parameters["category_ids"].ToString());
        var (limit, offset) = (Number(parameters["limit"], 50), Number(parameters["offset"], 0));
        var refusal = Unauthorized(http.Request) ?? Marketplace(http.Request) ?? (
            query.Length == 0 && category.Length == 0
                ? Error(
                    400, 12001, "API_BROWSE", "REQUEST",
                    "The call must have a valid 'q', 'category_ids', 'charity_ids', 'epid' or 'gtin' query parameter.")
            : limit is not (>= 1 and <= 200)
            ? Error(400, 12006, "API_BROWSE", "REQUEST", "The 'limit' value should be between 1 and 200 (inclusive).")
            : offset is not >= 0 ? Error(400, 12004, "API_BROWSE", "REQUEST", "The 'offset' value cannot be negative.")
            : offset % limit != 0
            ? Error(400, 12515, "API_BROWSE", "REQUEST", "The 'offset' value must be either zero or a multiple of the 'limit' value.")
            : null);
        return handler.ServeAsync(http, this, new(
            "search",
            query.Length > 0 ? query : category,
            refusal,
            (text, directions) => Found(http.Request, text, limit!.Value, offset!.Value, directions)));
    }

    public Task ItemAsync(HttpContext http, string id)
    {
        var refusal = Unauthorized(http.Request)
            ?? (ItemId().IsMatch(id) ? null : Error(400, 11002, "API_BROWSE", "REQUEST", "The item Id is invalid."));
        return handler.ServeAsync(http, this, new("item", id, refusal, (text, _) => Item(http.Request, text.Split('|')[1])));
    }

    public Task LegacyItemAsync(HttpContext http)
    {
        var id = http.Request.Query["legacy_item_id"].ToString();
        var refusal = Unauthorized(http.Request)
            ?? (id.Length > 0 && id.All(char.IsAsciiDigit)
                ? null
                : Error(400, 11006, "API_BROWSE", "REQUEST", "The legacy Id is invalid."));
        return handler.ServeAsync(http, this, new("item", id, refusal, (text, _) => Item(http.Request, text)));
    }

    public Task TreeIdAsync(HttpContext http)
    {
        var marketplace = http.Request.Query["marketplace_id"].ToString();
        var refusal = Unauthorized(http.Request) ?? (marketplace == "EBAY_US"
            ? null
            : Error(400, 62003, "API_TAXONOMY", "REQUEST", "No category tree was found for the specified marketplace."));
        return handler.ServeAsync(
            http, this, new("tree-id", marketplace, refusal, (_, directions) => EbayCategories.Id(directions.Edition)));
    }

    public Task TreeAsync(HttpContext http, string id) =>
        handler.ServeAsync(http, this, new(
            "tree", id, Unauthorized(http.Request) ?? NoTree(id),
            (_, directions) => EbayCategories.Tree(directions.Edition, directions.Leaves)));

    public Task SuggestionsAsync(HttpContext http, string id) =>
        handler.ServeAsync(http, this, new(
            "suggestions",
            http.Request.Query["q"].ToString().Trim(),
            Unauthorized(http.Request) ?? NoTree(id),
            (text, _) => EbayCategories.Suggestions(text)));

    private RestResponse Found(HttpRequest request, string query, int limit, int offset, RestDirections directions)
    {
        var filter = EbayFilter.Parse(request.Query["filter"].ToString());
        var offers = OfferGenerator.Offers(query, "ebay").Where(filter.Matches);
        var sorted = (request.Query["sort"].ToString() switch
        {
            "price" => offers.OrderBy(o => o.Cents), "-price" => offers.OrderByDescending(o => o.Cents), _ => offers,
        }).Take(directions.Results ?? int.MaxValue).ToList();
        var page = sorted.Skip(offset).Take(limit).ToArray();
        CacheOffers(page);
        object[] items =
        [
            .. page.Select(offer => EbayItem.Summary(request, offer, clock.GetUtcNow())),
            .. Enumerable.Range(0, directions.Junk).Select(i => new { itemId = $"v1|{i}|0", price = new { value = "cheap" } }),
        ];
        var here = "https://api.ebay.com/buy/browse/v1/item_summary/search"
            + string.Create(CultureInfo.InvariantCulture, $"?q={Uri.EscapeDataString(query)}&limit={limit}&offset=");
        return RestResponse.Of(new
        {
            href = here + offset.ToString(CultureInfo.InvariantCulture),
            total = sorted.Count,
            next = offset + limit < sorted.Count ? here + (offset + limit).ToString(CultureInfo.InvariantCulture) : null,
            limit,
            offset,
            itemSummaries = items.Length == 0 ? null : items,
            filter.Warnings,
        });
    }

    /// <summary>The details of an item. No item has a number of three or fewer digits.</summary>
    private RestResponse Item(HttpRequest request, string number) => number.Length <= 3
        ? Refuse(404)
        : RestResponse.Of(EbayItem.Details(
            request, _returnedOffers.TryGetValue(number, out var offer) ? offer : OfferGenerator.ForNumber(number, "ebay"),
            clock.GetUtcNow()));

    private void CacheOffers(Offer[] offers)
    {
        if (_returnedOffers.Count > MaxCachedOffers)
        {
            _returnedOffers.Clear();
        }

        foreach (var offer in offers)
        {
            _returnedOffers[offer.Number] = offer;
        }
    }

    private RestResponse? Unauthorized(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && !header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? Error(
                401, 1002, "OAuth", "REQUEST", "Missing access token", "Access token is missing in the Authorization HTTP request header.")
            : tokens.Accepts(header[Bearer.Length..].Trim()) ? null : Refuse(401);

    private static RestResponse? Marketplace(HttpRequest request) =>
        request.Headers["X-EBAY-C-MARKETPLACE-ID"].ToString() is var id && (id.Length == 0 || KnownMarketplace().IsMatch(id))
            ? null
            : Error(409, 12019, "API_BROWSE", "BUSINESS", $"Currently, the {id} marketplace is not supported.");

    private static RestResponse? NoTree(string id) => id == EbayCategories.TreeId
        ? null
        : Error(404, 62004, "API_TAXONOMY", "REQUEST", "The specified category tree ID was not found.");

    /// <summary>Whether the header is <c>Basic</c> and base64 of <c>id:secret</c>, and both are valid keys.</summary>
    private static bool IsClient(HttpRequest request)
    {
        const string basic = "Basic ";
        var header = request.Headers.Authorization.ToString();
        var bytes = new byte[header.Length];
        return header.StartsWith(basic, StringComparison.OrdinalIgnoreCase)
            && Convert.TryFromBase64String(header[basic.Length..].Trim(), bytes, out var length)
            && Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var id, var secret]
            && ApiKey.IsValid(id) && ApiKey.IsValid(secret);
    }

    private static int? Number(string? text, int @default) =>
        string.IsNullOrEmpty(text)
            ? @default
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static RestResponse Error(int status, int id, string domain, string category, string message, string? longMessage = null) =>
        RestResponse.Of(new { errors = new[] { new { errorId = id, domain, category, message, longMessage } } }, status);

    private static RestResponse OAuthError(int status, string error, string description) =>
        RestResponse.Of(new { error, error_description = description }, status);

    [GeneratedRegex(@"^v1\|\d{1,14}\|\d{1,14}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ItemId();

    [GeneratedRegex(
        "^EBAY_(US|GB|DE|AU|CA|FR|IT|ES|AT|BE|CH|HK|IE|NL|PL|SG|MOTORS_US)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KnownMarketplace();
}

internal static class EbayRoutes
{
    public static void MapEbay(this WebApplication app)
    {
        var ebay = app.Services.GetRequiredService<EbayUpstream>();
        app.MapPost("/ebay/identity/v1/oauth2/token", ebay.TokenAsync);
        app.MapGet("/ebay/buy/browse/v1/item_summary/search", ebay.SearchAsync);
        app.MapGet("/ebay/buy/browse/v1/item/get_item_by_legacy_id", ebay.LegacyItemAsync);
        app.MapGet("/ebay/buy/browse/v1/item/{id}", (HttpContext http, string id) => ebay.ItemAsync(http, id));
        app.MapGet("/ebay/commerce/taxonomy/v1/get_default_category_tree_id", ebay.TreeIdAsync);
        app.MapGet("/ebay/commerce/taxonomy/v1/category_tree/{id}", (HttpContext http, string id) => ebay.TreeAsync(http, id));
        app.MapGet(
            "/ebay/commerce/taxonomy/v1/category_tree/{id}/get_category_suggestions",
            (HttpContext http, string id) => ebay.SuggestionsAsync(http, id));
        app.MapDelete("/rest/emulator/ebay/tokens", (EbayTokens tokens) =>
        {
            tokens.Revoke();
            return Results.NoContent();
        });
    }
}
