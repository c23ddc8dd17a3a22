using System.Globalization;
using System.Net;

namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>Draws the pictures of offers, so that a page that shows them works offline and sends no request to a third party.</summary>
internal static class Pictures
{
    public static string Of(HttpRequest request, Offer offer) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{request.Scheme}://{request.Host}/pictures/{offer.Number}.svg?of={Uri.EscapeDataString(offer.Brand)}");

    public static void MapPictures(this WebApplication app) => app.MapGet("/pictures/{number}.svg", (string number, string? of) =>
    {
        var hue = new SeededRandom(number).Below(360);
        return Results.Text(
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 320 320"><rect width="320" height="320" fill="hsl({hue} 45% 88%)"/><rect x="70" y="90" width="180" height="150" rx="22" fill="hsl({hue} 50% 55%)"/><text x="160" y="285" text-anchor="middle" font-family="sans-serif" font-size="22">{WebUtility.HtmlEncode(of)}</text></svg>
            """,
            "image/svg+xml");
    });
}
