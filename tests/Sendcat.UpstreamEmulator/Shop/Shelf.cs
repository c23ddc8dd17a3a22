using System.Globalization;

namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>What is for sale: made up from the words of the query, always the same for the same words.</summary>
internal static class Shelf
{
    /// <summary>Offers of one query in one shop; filters choose among these.</summary>
    public const int Depth = 160;

    private static readonly string[] Brands = ["Tamarind", "Blue Mahoe", "Northgate", "Kestrel", "Orchard Lane", "Voltaro", "Sunfield", "Caribe Pro", "Halden", "Rosewell"];
    private static readonly string[] Lines = ["Classic", "Compact", "Deluxe", "Pro", "Plus", "Essential", "Signature", "Lite"];
    private static readonly string[] Colours = ["Black", "White", "Silver", "Red", "Sea Blue", "Graphite"];
    private static readonly string[] Sellers = ["harbour_electrics", "miami-outlet", "the.good.shelf", "island_direct", "tech*attic", "sunrise-deals", "garage_finds_77", "kitchen&co"];

    /// <param name="shop">The same query finds other things in another shop.</param>
    public static IEnumerable<Offer> Offers(string query, string shop)
    {
        var thing = Thing.Of(query);
        for (var place = 0; place < Depth; place++)
        {
            yield return At(thing, $"{shop}|{query.Trim().ToLowerInvariant()}|{place.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    /// <summary>The offer of a number that no query brought up.</summary>
    public static Offer Lone(string number, string shop) => At(Thing.Of(new Dice(number).One(["rice cooker", "running shoes", "laptop", "desk fan", "school bag"])), $"{shop}|{number}") with { Number = number };

    private static Offer At(Thing thing, string seed)
    {
        var dice = new Dice(seed);
        var number = string.Create(CultureInfo.InvariantCulture, $"11{(long)(dice.Next() * 10_000_000_000):D10}");
        var (brand, line, colour) = (dice.One(Brands), dice.One(Lines), dice.One(Colours));
        var condition = dice.Next() switch { < 0.6 => Condition.New, < 0.7 => Condition.OpenBox, < 0.8 => Condition.Refurbished, _ => Condition.Used };
        var worth = condition == Condition.New ? 1 : 0.7;

        // From a third to two and a half times of what is usual, the middle being likeliest, and shops like to end on 99.
        var cents = (int)(thing.TypicalCents * worth * Math.Exp(((dice.Next() + dice.Next()) - 1.05) * 1.0)) / 100 * 100;
        var model = string.Create(CultureInfo.InvariantCulture, $"{brand[0]}{thing.Name[0]}-{100 + (dice.Below(90) * 10)}");
        return new(
            number,
            $"{brand} {thing.Name} {line} {model}, {colour}",
            brand,
            Math.Max(99, cents + (dice.Chance(0.7) ? 99 : 49)),
            new(dice.One(Sellers), Math.Round(dice.Chance(0.85) ? 95 + (dice.Next() * 5) : 70 + (dice.Next() * 25), 1), 12 + dice.Below(40_000)),
            condition,
            Auction: dice.Chance(0.12),
            ShippingCents: dice.Next() switch { < 0.55 => 0, < 0.92 => 399 + (dice.Below(12) * 100), _ => null },
            Days: 2 + dice.Below(12),
            Country: dice.Next() switch { < 0.8 => "US", < 0.93 => "CN", _ => "GB" },
            Rating: Math.Round(3.4 + (dice.Next() * 1.6), 1),
            Reviews: 3 + dice.Below(2400));
    }
}
