using System.Globalization;

namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>Generates offers from the words of a query. The same words always give the same offers.</summary>
internal static class OfferGenerator
{
    /// <summary>The number of offers for one query in one shop, before filters.</summary>
    public const int OffersPerQuery = 160;

    private static readonly string[] Brands =
        ["Tamarind", "Blue Mahoe", "Northgate", "Kestrel", "Orchard Lane", "Voltaro", "Sunfield", "Caribe Pro", "Halden", "Rosewell"];
    private static readonly string[] Lines = ["Classic", "Compact", "Deluxe", "Pro", "Plus", "Essential", "Signature", "Lite"];
    private static readonly string[] Colours = ["Black", "White", "Silver", "Red", "Sea Blue", "Graphite"];
    private static readonly string[] Sellers =
        [
            "harbour_electrics", "miami-outlet", "the.good.shelf", "island_direct", "tech*attic", "sunrise-deals", "garage_finds_77",
            "kitchen&co",
        ];

    /// <summary>The <see cref="OffersPerQuery"/> offers for a query.</summary>
    /// <param name="query">The query text.</param>
    /// <param name="shop">The name of the shop. The same query has different offers in another shop.</param>
    public static IEnumerable<Offer> Offers(string query, string shop)
    {
        var product = SearchedProduct.Of(query);
        for (var position = 0; position < OffersPerQuery; position++)
        {
            yield return At(product, $"{shop}|{query.Trim().ToLowerInvariant()}|{position.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    /// <summary>The offer with a number that no search has returned.</summary>
    public static Offer ForNumber(string number, string shop)
    {
        var product = SearchedProduct.Of(
            new SeededRandom(number).One(["rice cooker", "running shoes", "laptop", "desk fan", "school bag"]));
        return At(product, $"{shop}|{number}") with { Number = number };
    }

    private static Offer At(SearchedProduct product, string seed)
    {
        var random = new SeededRandom(seed);
        var number = string.Create(CultureInfo.InvariantCulture, $"11{(long)(random.Next() * 10_000_000_000):D10}");
        var (brand, line, colour) = (random.One(Brands), random.One(Lines), random.One(Colours));
        var condition = random.Next() switch
        {
            < 0.6 => Condition.New, < 0.7 => Condition.OpenBox, < 0.8 => Condition.Refurbished, _ => Condition.Used,
        };
        var worth = condition == Condition.New ? 1 : 0.7;

        // From a third to two and a half times the typical price; values in the middle are the most likely. Most prices end with 99 cents.
        var cents = (int)(product.TypicalCents * worth * Math.Exp(((random.Next() + random.Next()) - 1.05) * 1.0)) / 100 * 100;
        var model = string.Create(CultureInfo.InvariantCulture, $"{brand[0]}{product.Name[0]}-{100 + (random.Below(90) * 10)}");
        return new(
            number,
            $"{brand} {product.Name} {line} {model}, {colour}",
            brand,
            Math.Max(99, cents + (random.Chance(0.7) ? 99 : 49)),
            new(
                random.One(Sellers), Math.Round(random.Chance(0.85) ? 95 + (random.Next() * 5) : 70 + (random.Next() * 25), 1),
                12 + random.Below(40_000)),
            condition,
            Auction: random.Chance(0.12),
            ShippingCents: random.Next() switch { < 0.55 => 0, < 0.92 => 399 + (random.Below(12) * 100), _ => null },
            Days: 2 + random.Below(12),
            Country: random.Next() switch { < 0.8 => "US", < 0.93 => "CN", _ => "GB" },
            Rating: Math.Round(3.4 + (random.Next() * 1.6), 1),
            Reviews: 3 + random.Below(2400));
    }
}
