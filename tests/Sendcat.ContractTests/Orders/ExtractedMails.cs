using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Orders;

namespace Sendcat.ContractTests.Orders;

/// <summary>Results of extractions, as the reading of mails gives them.</summary>
internal static class ExtractedMails
{
    public static MailExtraction Of(params ExtractedOrder[] orders) =>
        new() { Kind = MailTopic.Order, Path = ExtractionPath.Markup, Orders = orders };

    public static EvidenceSource Source(string user, string message) =>
        new(user, EvidenceKind.Gmail, message, new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero), "Your order", "shop.example");

    public static ExtractedOrder Order(
        string? number, string merchant = "shop.example", Price? total = null, string? items = null, double confidence = 0.9,
        SenderTrust trust = SenderTrust.Authenticated, FieldSource source = FieldSource.Format, string[]? parcels = null,
        string[]? shipments = null) => new()
    {
        Merchant = merchant,
        OrderNumber = number is null ? null : new(number, source, confidence, null),
        Total = total is null ? null : new(total, source, confidence, null),
        ItemsSummary = items,
        Parcels = [.. (parcels ?? []).Select(parcel => new ExtractedParcel(new(parcel, source, confidence, null), "ups", []))],
        Shipments = shipments ?? [],
        Confidence = confidence,
        Trust = trust,
    };
}
