namespace Sendcat.Integrations.Orders;

/// <summary>The fields of a draft that evidence fills, and the rules by which it does.</summary>
internal sealed record DraftContent
{
    public required string Merchant { get; init; }

    public string? StoreName { get; init; }

    /// <summary>Upper case, in the order in which they became known.</summary>
    public IReadOnlyList<string> OrderNumbers { get; init; } = [];

    public string? ItemsSummary { get; init; }

    public decimal? Amount { get; init; }

    /// <summary>ISO 4217 code of <see cref="Amount"/>; null: the mail does not say.</summary>
    public string? Currency { get; init; }

    public double Confidence { get; init; }

    public bool InvoicePresent { get; init; }

    public static DraftContent Of(OrderFacts order) => new DraftContent { Merchant = order.Merchant }.FilledBy(order);

    /// <summary>
    /// Fills what is missing, so that neither a later mail nor a forged one changes what is known or what the user has written. Order
    /// numbers are united, the higher confidence counts. An amount without a currency gets that of an equal amount.
    /// </summary>
    public DraftContent FilledBy(OrderFacts order)
    {
        var takesAmount = Amount is null or 0;
        return this with
        {
            Merchant = Merchant == OrderText.Unknown ? order.Merchant : Merchant,
            StoreName = IsMissing(StoreName) ? order.StoreName ?? StoreName : StoreName,
            OrderNumbers = [.. OrderNumbers.Union(order.OrderNumbers, StringComparer.Ordinal).Take(OrderText.MaxNumbers)],
            ItemsSummary = IsMissing(ItemsSummary) ? order.ItemsSummary ?? ItemsSummary : ItemsSummary,
            Amount = takesAmount ? order.Amount ?? Amount : Amount,
            Currency = takesAmount && order.Amount is not null
                ? order.Currency
                : Currency ?? (order.Amount == Amount ? order.Currency : null),
            Confidence = Math.Max(Confidence, order.Confidence),
            InvoicePresent = InvoicePresent || order.InvoicePresent,
        };
    }

    /// <summary>Fills what is missing from another draft about the same order.</summary>
    public DraftContent FilledBy(DraftContent other) => FilledBy(new OrderFacts
    {
        Merchant = other.Merchant,
        StoreName = other.StoreName,
        OrderNumbers = other.OrderNumbers,
        ItemsSummary = other.ItemsSummary,
        Amount = other.Amount,
        Currency = other.Currency,
        Confidence = other.Confidence,
        InvoicePresent = other.InvoicePresent,
    });

    private static bool IsMissing(string? text) =>
        string.IsNullOrWhiteSpace(text) || string.Equals(text, OrderText.Unknown, StringComparison.OrdinalIgnoreCase);
}
