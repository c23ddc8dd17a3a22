namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>A thing that somebody sells.</summary>
/// <param name="Number">Twelve digits, the same for the same query and place in it.</param>
/// <param name="ShippingCents">Null: the seller does not say.</param>
/// <param name="Days">Until it arrives.</param>
internal sealed record Offer(string Number, string Title, string Brand, int Cents, Seller Seller, Condition Condition, bool Auction, int? ShippingCents, int Days, string Country, double Rating, int Reviews)
{
    public string Price => Money.Text(Cents);
}

/// <param name="Feedback">Share of positive feedback in per cent.</param>
internal sealed record Seller(string Name, double Feedback, int Score);

/// <param name="Id">eBay's.</param>
internal sealed record Condition(string Id, string Name)
{
    public static readonly Condition New = new("1000", "New");
    public static readonly Condition OpenBox = new("1500", "Open box");
    public static readonly Condition Refurbished = new("2000", "Certified - Refurbished");
    public static readonly Condition Used = new("3000", "Used");
}

internal static class Money
{
    public static string Text(int cents) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{cents / 100}.{cents % 100:00}");
}
