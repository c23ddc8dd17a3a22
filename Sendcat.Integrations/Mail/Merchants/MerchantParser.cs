using System.Runtime.InteropServices;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>
/// Parses the mails of a known merchant: order numbers, tracking numbers, shipments, totals and items, several of each.
/// </summary>
internal static class MerchantParser
{
    private const int MostOrders = 30;

    /// <summary>The orders of the mail; empty: neither an order number nor a tracking number nor a shipment was found.</summary>
    public static IReadOnlyList<ExtractedOrder> Parse(
        Merchant merchant, ReadMail mail, IReadOnlyList<TrackingMatch> tracking, string? dollarCountry)
    {
        var text = mail.Text;
        var mentions = Mentions(merchant, mail);
        var numbers = mentions.Select(mention => mention.Number).Distinct(StringComparer.Ordinal).ToArray();
        var parcels = tracking.Where(match => !numbers.Contains(match.Number, StringComparer.Ordinal)).ToArray();
        var shipments = ShipmentLinks.In(merchant, mail);
        if (numbers.Length == 0 && parcels.Length == 0 && shipments.Count == 0)
        {
            return [];
        }

        var totals = Totals.Find(text, dollarCountry);
        var orders = numbers.Length == 0 ? (string?[])[null] : numbers;
        var places = new OrderPlaces(mentions.Select(mention => (mention.Number, mention.Start)));
        var itemsByOrder = Items(text, places);
        return
        [
            .. orders.Select(number => Order(number))
                .Where(order => order.OrderNumber is not null || order.Parcels.Count > 0 || order.Shipments.Count > 0),
        ];

        ExtractedOrder Order(string? number)
        {
            var mention = mentions.FirstOrDefault(found => found.Number == number);
            var own = parcels.Where(parcel => places.OwnerOf(parcel.Start) == number).Select(parcel => Parcel(text, parcel)).ToArray();
            var total = totals.FirstOrDefault(found => places.OwnerOf(found.Match.Start) == number).Match;
            var items = itemsByOrder.GetValueOrDefault(number ?? "");
            return new()
            {
                Merchant = merchant.Id,
                StoreName = merchant.Name,
                OrderNumber = number is null
                    ? null
                    : new(number, mention.Start < 0 ? FieldSource.Link : FieldSource.Merchant, 0.95, EvidenceOf(text, mention)),
                Total = total is null
                    ? null
                    : new(total.Price, FieldSource.Merchant, 0.9, Evidence.InText(text, total.Start, total.Length)),
                ItemsSummary = items,
                Parcels = own,

                // A link that names no order belongs to the only one of the mail.
                Shipments =
                [
                    .. shipments.Where(shipment => shipment.OrderNumber == number || (shipment.OrderNumber is null && orders.Length == 1))
                        .Select(shipment => shipment.Key),
                ],
                Confidence = merchant.Confidence.Of(number is not null, own.Length > 0, total is not null, items is not null),
                Trust = mail.Trust,
            };
        }
    }

    /// <summary>A parcel whose number stands in the text or in the address of a link.</summary>
    public static ExtractedParcel Parcel(string text, TrackingMatch match) => new(
        new(match.Number, match.Start < 0 ? FieldSource.Link : FieldSource.Format, match.IsVerified ? 0.95 : 0.6,
            match.Start < 0 ? Evidence.Beside(match.Number) : Evidence.InText(text, match.Start, match.Length)),
        match.Carrier, match.Candidates);

    private static List<Mention> Mentions(Merchant merchant, ReadMail mail)
    {
        var mentions = new List<Mention>();
        var numbers = new HashSet<string>(StringComparer.Ordinal);
        for (var match = merchant.OrderNumber.Match(mail.Text); match.Success && mentions.Count < 500; match = match.NextMatch())
        {
            var number = match.Groups["number"];
            var value = number.Value.ToUpperInvariant();
            if (numbers.Count < MostOrders || numbers.Contains(value))
            {
                numbers.Add(value);
                mentions.Add(new(value, number.Index, number.Length));
            }
        }

        // The number of a link counts when the text has none: a mail about one order also links to others.
        if (mentions.Count == 0)
        {
            foreach (var link in mail.Links)
            {
                var value = merchant.Domains.Select(domain => merchant.OrderOf(link.Address, domain)).FirstOrDefault(it => it is not null);
                if (value is not null && numbers.Add(value))
                {
                    mentions.Add(new(value, -1, 0));
                }
            }
        }

        return mentions;
    }

    private static Evidence EvidenceOf(string text, Mention mention) =>
        mention.Start < 0 ? Evidence.Beside(mention.Number) : Evidence.InText(text, mention.Start, mention.Length);

    /// <summary>
    /// The items of each order, by its number ("" without one): one item by its name; several, or one without a name, by their count.
    /// </summary>
    private static Dictionary<string, string?> Items(string text, OrderPlaces places)
    {
        var lists = new Dictionary<string, ItemList>(StringComparer.Ordinal);
        ItemList? open = null;
        var start = 0;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan(range);
            var owner = places.OwnerOf(start) ?? "";
            start += line.Length + 1;
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(lists, owner, out _);
            list ??= new();
            if (list != open)
            {
                // The lines between belong to another order.
                list.Begin();
                open = list;
            }

            list.Add(line);
        }

        return lists.ToDictionary(list => list.Key, list => list.Value.Summary, StringComparer.Ordinal);
    }

    private readonly record struct Mention(string Number, int Start, int Length);
}
