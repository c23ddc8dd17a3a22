using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>
/// The shipments to which the links of a merchant's mail lead. Amazon's mails about a parcel often have neither its tracking number nor the
/// number of its order in their text, and the shipment is what they have in common.
/// </summary>
internal static class ShipmentLinks
{
    private const int MostShipments = 20;
    private const int ShortestId = 4;
    private const int LongestId = 32;

    /// <summary>A search for it costs much less than the reading of an address, and mails have many links.</summary>
    private const string PartOfNames = "shipmentid";

    private static readonly string[] Names = ["shipmentid", "orderingshipmentid"];

    /// <summary>The shipments in the order of the links, each once.</summary>
    public static IReadOnlyList<ShipmentLink> In(Merchant merchant, ReadMail mail) =>
        [.. mail.Links
            .Where(link => link.Address.Contains(PartOfNames, StringComparison.OrdinalIgnoreCase))
            .SelectMany(link => merchant.Domains.Select(domain => Read(merchant, link.Address, domain)))
            .OfType<ShipmentLink>().DistinctBy(shipment => shipment.Key).Take(MostShipments)];

    private static ShipmentLink? Read(Merchant merchant, string address, string domain) =>
        TrackingLinks.Parameter(address, domain, Names) is { Length: >= ShortestId and <= LongestId } id
            && id.All(char.IsAsciiLetterOrDigit)
            ? new($"{merchant.Id}:{id}", merchant.OrderOf(address, domain))
            : null;
}

/// <summary>A link to a shipment.</summary>
/// <param name="Key">Id of the merchant, a colon and the id of the shipment, for example <c>amazon:Bcd12fGh3</c>.</param>
/// <param name="OrderNumber">The order that the link names; null: none.</param>
internal sealed record ShipmentLink(string Key, string? OrderNumber);
