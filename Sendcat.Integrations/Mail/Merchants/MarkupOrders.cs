using System.Globalization;
using Sendcat.Integrations.Mail.Markup;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>Reads orders from the types <c>Order</c> and <c>ParcelDelivery</c> of schema.org.</summary>
internal static class MarkupOrders
{
    private const int MostOrders = 30;
    private const int LongestOrderNumber = 64;

    private static readonly ConfidenceOf Confidence = new(0.6, 0.2, 0.1, 0.1, 0.05);

    /// <summary>The orders of the markup, those with the same number as one.</summary>
    public static IReadOnlyList<ExtractedOrder> Read(ReadMail mail)
    {
        var drafts = new List<Draft>();
        foreach (var item in mail.Markup.SelectMany(root => Below(root, 0)))
        {
            if (drafts.Count >= MostOrders)
            {
                break;
            }

            if (item.Is("Order"))
            {
                AddOrder(item, DraftOf(OrderNumber(item), drafts));
            }
            else if (item.Is("ParcelDelivery"))
            {
                var orders = item.Items("partOfOrder").ToArray();
                foreach (var order in orders)
                {
                    AddParcel(item, DraftOf(OrderNumber(order), drafts));
                }

                if (orders.Length == 0)
                {
                    AddParcel(item, DraftOf(item.Text("orderNumber") ?? item.Text("partOfOrder"), drafts));
                }
            }
        }

        return [.. drafts.Where(draft => draft.Number is not null || draft.Parcels.Count > 0).Select(draft => draft.Order(mail))];
    }

    /// <summary>The status of the first order or parcel, as a kind of mail; null: the markup does not say.</summary>
    public static MailTopic? KindOf(ReadMail mail)
    {
        foreach (var item in mail.Markup.SelectMany(root => Below(root, 0)))
        {
            var status = item.Text("orderStatus", "deliveryStatus", "hasDeliveryStatus");
            switch (status is null ? null : MarkupBudget.TypeName(status))
            {
                case "OrderDelivered" or "OrderPickupAvailable":
                    return MailTopic.Delivery;
                case "OrderInTransit":
                    return MailTopic.Shipment;
                case "OrderReturned" or "OrderCancelled":
                    return MailTopic.Refund;
                case "OrderProcessing" or "OrderPaymentDue" or "OrderProblem":
                    return MailTopic.Order;
                default:
                    break;
            }
        }

        return null;
    }

    /// <summary>The item and those inside it.</summary>
    private static IEnumerable<MarkupItem> Below(MarkupItem item, int depth) =>
        depth > 8
            ? []
            : item.Properties.Values.SelectMany(values => values).Where(value => value.Item is not null)
                .SelectMany(value => Below(value.Item!, depth + 1)).Prepend(item);

    private static string? OrderNumber(MarkupItem order) => order.Text("orderNumber", "confirmationNumber");

    private static Draft DraftOf(string? number, List<Draft> drafts)
    {
        number = number?.Trim().TrimStart('#').ToUpperInvariant() is { Length: > 0 and <= LongestOrderNumber } valid
            && valid.Any(char.IsAsciiDigit)
            ? valid
            : null;

        // Parcels without a number belong to the only order.
        if (drafts.Find(draft => draft.Number == number || (number is null && drafts.Count == 1)) is { } known)
        {
            return known;
        }

        if (drafts.Count == 1 && drafts[0].Number is null)
        {
            drafts[0].Number = number;
            return drafts[0];
        }

        drafts.Add(new(number));
        return drafts[^1];
    }

    private static void AddOrder(MarkupItem item, Draft draft)
    {
        draft.Store ??= item.Items("merchant", "seller", "vendor").FirstOrDefault()?.Text("name") ?? item.Text("merchant", "seller");
        draft.Total ??= TotalOf(item);
        foreach (var offer in item.Items("acceptedOffer", "orderedItem"))
        {
            draft.AddItem(offer.Items("itemOffered", "orderedItem").FirstOrDefault()?.Text("name") ?? offer.Text("name"));
        }
    }

    private static void AddParcel(MarkupItem item, Draft draft)
    {
        var carrier = item.Items("carrier", "provider").FirstOrDefault()?.Text("name") ?? item.Text("carrier", "provider");
        var match = TrackingNumbers.OfNamed(item.Text("trackingNumber"), carrier)
            ?? (item.Text("trackingUrl") is { } link ? TrackingLinks.NumbersIn(link).FirstOrDefault() : null);
        if (match is not null && draft.Parcels.All(parcel => parcel.TrackingNumber.Value != match.Number))
        {
            draft.Parcels.Add(new(
                new(match.Number, FieldSource.Markup, 0.95, Evidence.Beside(match.Number)),
                match.Carrier is { Length: <= 40 } known ? known : null, match.Candidates));
        }

        foreach (var shipped in item.Items("itemShipped"))
        {
            draft.AddItem(shipped.Text("name"));
        }
    }

    /// <summary>The price of the whole order. The sum of its offers is none: shipping and tax are missing in it.</summary>
    private static (Price Price, string Quote)? TotalOf(MarkupItem order)
    {
        var specification = order.Items("priceSpecification", "totalPaymentDue", "partOfInvoice").FirstOrDefault();
        var text = order.Text("price") ?? order.Text("totalPrice") ?? specification?.Text("price", "value", "totalPaymentDue");
        if (text is null || text.Length > 30)
        {
            return null;
        }

        var signed = PriceTexts.Find(text, "us").FirstOrDefault();
        var amount = signed?.Price.Amount
            ?? (decimal.TryParse(
                text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var plain) ? plain : PriceTexts.Number(text));
        var currency = PriceTexts.Code(
            order.Text("priceCurrency") ?? specification?.Text("priceCurrency", "currency")) ?? signed?.Price.Currency;
        return amount is { } value and >= 0 ? (new(value, currency), text) : null;
    }

    private sealed class Draft(string? number)
    {
        private const int LongestSummary = 300;

        private readonly List<string> _items = [];

        public string? Number { get; set; } = number;

        public string? Store { get; set; }

        public (Price Price, string Quote)? Total { get; set; }

        public List<ExtractedParcel> Parcels { get; } = [];

        public void AddItem(string? name)
        {
            if (name is { Length: > 0 } && _items.Count < 50 && !_items.Contains(name, StringComparer.Ordinal))
            {
                _items.Add(name);
            }
        }

        public ExtractedOrder Order(ReadMail mail) => new()
        {
            Merchant = mail.Merchant?.Id ?? mail.SenderDomain ?? "unknown",
            StoreName = mail.Merchant?.Name ?? Store ?? mail.FromName,
            OrderNumber = Number is null ? null : new(Number, FieldSource.Markup, 0.95, Evidence.Beside(Number)),
            Total = Total is { } total ? new(total.Price, FieldSource.Markup, 0.95, Evidence.Beside(total.Quote)) : null,
            ItemsSummary = _items.Count == 0 ? null : TextLimit.Cut(string.Join(", ", _items), LongestSummary),
            Parcels = Parcels,
            Confidence = Confidence.Of(Number is not null, Parcels.Count > 0, Total is not null, _items.Count > 0),
            Trust = mail.Trust,
        };
    }
}
