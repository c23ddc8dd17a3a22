using System.Text.RegularExpressions;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>Parses the mails of a known merchant: order numbers, tracking numbers, totals and items, several of each.</summary>
internal static class MerchantParser
{
    private const int MostOrders = 30;
    private const int LongestItem = 120;
    private const int LongestSummary = 300;

    private static readonly Regex Quantity = LinearRegex.Of(
        @"^\s*(qty|quantity|menge|cantidad|quantit[eéà]|quantit[aà]|数量)\s*[:：x]?\s*(?<count>[0-9]{1,3})\b");
    private static readonly Regex BulletQuantity = LinearRegex.Of(@"^\s*[•*·-]\s*(?<name>.{3,200})$");
    private static readonly Regex Shipped = LinearRegex.Of(@"\b(?<count>[0-9]{1,3})\s+item\(?s?\)?\s+shipped");

    /// <summary>The orders of the mail; empty: neither an order number nor a tracking number was found.</summary>
    public static IReadOnlyList<ExtractedOrder> Parse(
        Merchant merchant, ReadMail mail, IReadOnlyList<TrackingMatch> tracking, string? dollarCountry)
    {
        var text = mail.Text;
        var mentions = Mentions(merchant, mail);
        var numbers = mentions.Select(mention => mention.Number).Distinct(StringComparer.Ordinal).ToArray();
        var parcels = tracking.Where(match => !numbers.Contains(match.Number, StringComparer.Ordinal)).ToArray();
        if (numbers.Length == 0 && parcels.Length == 0)
        {
            return [];
        }

        var totals = Totals.Find(text, dollarCountry);
        var orders = numbers.Length == 0 ? (string?[])[null] : numbers;
        return [.. orders.Select(number => Order(number)).Where(order => order.OrderNumber is not null || order.Parcels.Count > 0)];

        ExtractedOrder Order(string? number)
        {
            var mention = mentions.FirstOrDefault(found => found.Number == number);
            var own = parcels.Where(parcel => OwnerOf(parcel.Start, mentions) == number).Select(parcel => Parcel(text, parcel)).ToArray();
            var total = totals.FirstOrDefault(found => OwnerOf(found.Match.Start, mentions) == number).Match;
            var items = Items(text, mentions, number);
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

    /// <summary>
    /// The order to which a place of the mail belongs: the last one that is mentioned before it, else the first after it; null: there is
    /// none.
    /// </summary>
    private static string? OwnerOf(int place, List<Mention> mentions)
    {
        var inText = mentions.Where(mention => mention.Start >= 0).ToArray();
        if (inText.Length == 0)
        {
            return mentions.Count > 0 ? mentions[0].Number : null;
        }

        return (inText.LastOrDefault(mention => mention.Start <= place) is { Number: not null } before ? before : inText[0]).Number;
    }

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
                var value = merchant.Domains
                    .Select(
                        domain => TrackingLinks.Parameter(
                            link.Address, domain, "orderid", "order_id", "ordernumber", "order_number", "orderno", "billno",
                            "parent_order_sn"))
                    .FirstOrDefault(value => value is not null);
                if (value is not null && merchant.OrderNumber.Match(value) is { Success: true, Index: 0 } match
                    && match.Length == value.Length && numbers.Add(value.ToUpperInvariant()))
                {
                    mentions.Add(new(value.ToUpperInvariant(), -1, 0));
                }
            }
        }

        return mentions;
    }

    private static Evidence EvidenceOf(string text, Mention mention) =>
        mention.Start < 0 ? Evidence.Beside(mention.Number) : Evidence.InText(text, mention.Start, mention.Length);

    /// <summary>One item by its name; several, or one without a name, by their count.</summary>
    private static string? Items(string text, List<Mention> mentions, string? number)
    {
        var names = new List<string>();
        var count = 0;
        var previous = "";
        var isAfterBullet = false;
        var at = 0;
        foreach (var line in text.Split('\n'))
        {
            var start = at;
            at += line.Length + 1;
            var belongsToBullet = isAfterBullet;
            isAfterBullet = false;
            if (number is not null && OwnerOf(start, mentions) != number)
            {
                previous = "";
                continue;
            }

            if (line.Length < 400 && Quantity.Match(line) is { Success: true } quantity)
            {
                var each = int.Parse(quantity.Groups["count"].Value, System.Globalization.CultureInfo.InvariantCulture);
                count += each;
                if (belongsToBullet)
                {
                    count--;
                    names.RemoveAt(names.Count - 1);
                }

                if (previous.Length >= 3)
                {
                    names.Add(each > 1 ? $"{Cut(previous)} x{each}" : Cut(previous));
                }
            }
            else if (line.Length < 400 && BulletQuantity.Match(line) is { Success: true } bullet)
            {
                count++;
                names.Add(Cut(bullet.Groups["name"].Value.Trim()));
                isAfterBullet = true;
            }
            else if (line.Length < 400 && Shipped.Match(line) is { Success: true } shipped)
            {
                count = int.Parse(shipped.Groups["count"].Value, System.Globalization.CultureInfo.InvariantCulture);
            }

            previous = line.Trim().Trim('*', '•', '-', ' ');
        }

        var summary = names.Count == 1 && count <= 1 ? names[0] : count > 0 ? names.Count == 1 ? names[0] : $"{count} items" : null;
        return summary is { Length: > LongestSummary } ? summary[..LongestSummary] : summary;
    }

    private static string Cut(string name) => name.Length <= LongestItem ? name : name[..LongestItem].TrimEnd();

    private readonly record struct Mention(string Number, int Start, int Length);
}
