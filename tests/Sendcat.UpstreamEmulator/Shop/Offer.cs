namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>One offer of a seller.</summary>
/// <param name="Number">Twelve digits. The same query and position always give the same number.</param>
/// <param name="Title">The title, which contains the brand and the colour.</param>
/// <param name="Brand">The brand.</param>
/// <param name="Cents">The price in US cents.</param>
/// <param name="Seller">The seller.</param>
/// <param name="Condition">The condition of the item.</param>
/// <param name="Auction">True for an auction, false for a fixed price.</param>
/// <param name="ShippingCents">The shipping cost in US cents; null: the seller does not state it.</param>
/// <param name="Days">The days until delivery.</param>
/// <param name="Country">The country of the item, as a two-letter code.</param>
/// <param name="Rating">The rating, 3.4 to 5 stars.</param>
/// <param name="Reviews">The number of reviews.</param>
internal sealed record Offer(
    string Number,
    string Title,
    string Brand,
    int Cents,
    Seller Seller,
    Condition Condition,
    bool Auction,
    int? ShippingCents,
    int Days,
    string Country,
    double Rating,
    int Reviews)
{
    public string Price => Money.Text(Cents);
}

/// <summary>A seller.</summary>
/// <param name="Name">The user name.</param>
/// <param name="Feedback">The share of positive feedback in per cent.</param>
/// <param name="Score">The number of ratings.</param>
internal sealed record Seller(string Name, double Feedback, int Score);

/// <summary>The condition of an item.</summary>
/// <param name="Id">The condition id of eBay.</param>
/// <param name="Name">The condition name of eBay.</param>
internal sealed record Condition(string Id, string Name)
{
    public static readonly Condition New = new("1000", "New");
    public static readonly Condition OpenBox = new("1500", "Open box");
    public static readonly Condition Refurbished = new("2000", "Certified - Refurbished");
    public static readonly Condition Used = new("3000", "Used");
}

internal static class Money
{
    public static string Text(int cents) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{cents / 100}.{cents % 100:00}");
}
