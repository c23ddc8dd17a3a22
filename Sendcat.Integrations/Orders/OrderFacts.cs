using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Integrations.Orders;

/// <summary>One order of a mail or message, in the form in which drafts store it.</summary>
internal sealed record OrderFacts
{
    public required string Merchant { get; init; }

    public string? StoreName { get; init; }

    public IReadOnlyList<string> OrderNumbers { get; init; } = [];

    public string? ItemsSummary { get; init; }

    public decimal? Amount { get; init; }

    public string? Currency { get; init; }

    public double Confidence { get; init; }

    public bool InvoicePresent { get; init; }

    public IReadOnlyList<ParcelFacts> Parcels { get; init; } = [];

    /// <summary>The keys of the merchant's shipments.</summary>
    public IReadOnlyList<string> Shipments { get; init; } = [];

    /// <summary>False: nothing identifies the order, so that no draft can be about it.</summary>
    public bool HasKey => OrderNumbers.Count > 0 || Parcels.Count > 0 || Shipments.Count > 0;

    public static OrderFacts Of(ExtractedOrder order, bool invoicePresent) => new()
    {
        Merchant = Text(order.Merchant, OrderText.MaxMerchant) ?? OrderText.Unknown,
        StoreName = Text(order.StoreName, OrderText.MaxMerchant),
        OrderNumbers = Text(order.OrderNumber?.Value, OrderText.MaxNumber)?.ToUpperInvariant() is { } number ? [number] : [],
        ItemsSummary = Text(order.ItemsSummary, OrderText.MaxSummary),
        Amount = order.Total?.Value.Amount is { } amount and > 0 and <= OrderText.MaxAmount
            ? decimal.Round(amount, OrderText.AmountDigits)
            : null,
        Currency = order.Total?.Value is { Amount: > 0 and <= OrderText.MaxAmount } price ? price.Currency : null,
        Confidence = Math.Clamp(order.Confidence, 0, 1),
        InvoicePresent = invoicePresent,
        Parcels =
        [
            .. order.Parcels.DistinctBy(parcel => parcel.TrackingNumber.Value).Select(parcel => new ParcelFacts(
                parcel.TrackingNumber.Value, parcel.Carrier,
                order.Trust is SenderTrust.Authenticated or SenderTrust.User && parcel.MayPreAlert)),
        ],
        Shipments = order.Shipments,
    };

    private static string? Text(string? text, int maxLength)
    {
        var clean = StorableText.Strip(text ?? "").Trim();
        return clean.Length == 0 ? null : clean.Length <= maxLength ? clean : StorableText.Strip(clean[..maxLength]).TrimEnd();
    }
}

/// <param name="TrackingNumber">Upper case, without blanks.</param>
/// <param name="Carrier">Null: unknown.</param>
/// <param name="IsVerified">
/// Its number was read in an authenticated mail of a known merchant or in a message of the user, and in no picture.
/// </param>
internal sealed record ParcelFacts(string TrackingNumber, string? Carrier, bool IsVerified);

/// <summary>The limits of what drafts store.</summary>
public static class OrderText
{
    /// <summary>The merchant of an order that names none.</summary>
    public const string Unknown = "unknown";

    /// <summary>Characters of a merchant or the name of a shop.</summary>
    public const int MaxMerchant = 200;

    /// <summary>Characters of one order number.</summary>
    public const int MaxNumber = 64;

    /// <summary>Characters of a summary of items.</summary>
    public const int MaxSummary = 300;

    /// <summary>Order numbers of one draft.</summary>
    public const int MaxNumbers = 20;

    /// <summary>Digits after the point of an amount; some currencies have three.</summary>
    public const int AmountDigits = 3;

    /// <summary>
    /// Shops count their orders from 1: a number shorter than this identifies an order only together with its merchant.
    /// </summary>
    public const int ShortestUniqueNumber = 8;

    /// <summary>The largest amount of a total.</summary>
    public const decimal MaxAmount = 1_000_000_000_000m;
}
