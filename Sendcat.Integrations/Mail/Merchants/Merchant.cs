using System.Text.RegularExpressions;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>A merchant whose mails are parsed without a model.</summary>
public sealed class Merchant
{
    /// <summary>
    /// Sub-domains from which merchants relay what buyers and sellers write to each other. They sign it, and it is not theirs.
    /// </summary>
    private static readonly string[] Relays = ["marketplace", "members"];

    /// <summary>The parameters of links that hold order numbers, in lower case.</summary>
    private static readonly string[] OrderParameters =
        ["orderid", "order_id", "ordernumber", "order_number", "orderno", "billno", "parent_order_sn"];

    private Merchant(string id, string name, string[] domains, string orderNumber, ConfidenceOf confidence) =>
        (Id, Name, Domains, OrderNumber, Confidence) = (id, name, domains, LinearRegex.Of(orderNumber), confidence);

    public static readonly Merchant Amazon = new(
        "amazon", "Amazon",
        [
            "amazon.com", "amazon.ca", "amazon.co.uk", "amazon.de", "amazon.fr", "amazon.it", "amazon.es", "amazon.com.mx", "amazon.com.br",
            "amazon.co.jp", "amazon.com.au", "amazon.nl", "amazon.se", "amazon.pl", "amazon.in"],
        @"\b(?<number>([0-9]{3}|D[0-9]{2})-[0-9]{7}-[0-9]{7})\b", new(0.45, 0.2, 0.1, 0.15, 0.1));

    public static readonly Merchant Shein = new(
        "shein", "SHEIN", ["shein.com", "sheinnotice.com", "sheinemail.com"],
        @"\b(?<number>[A-Z]{2,4}U?1?TB[A-Z0-9]{6,24})\b", new(0.4, 0.2, 0.2, 0.1, 0.1));

    public static readonly Merchant Ebay = new(
        "ebay", "eBay", ["ebay.com", "ebay.co.uk", "ebay.de", "ebay.ca", "ebay.com.au", "ebay.fr", "ebay.it", "ebay.es"],
        @"\b(?<number>[0-9]{2}-[0-9]{5}-[0-9]{5})\b", new(0.4, 0.2, 0.15, 0.15, 0.1));

    public static readonly Merchant Temu = new(
        "temu", "Temu", ["temu.com"],
        @"\b(?<number>PO-[0-9]{3}-[0-9]{14,20})\b", new(0.4, 0.2, 0.15, 0.15, 0.1));

    public static readonly IReadOnlyList<Merchant> All = [Amazon, Shein, Ebay, Temu];

    /// <summary>As it is stored in drafts.</summary>
    public string Id { get; }

    /// <summary>For people.</summary>
    public string Name { get; }

    /// <summary>The domains from which it sends.</summary>
    public IReadOnlyList<string> Domains { get; }

    /// <summary>Its order numbers, as the group <c>number</c>.</summary>
    internal Regex OrderNumber { get; }

    /// <summary>How much each field adds to the confidence.</summary>
    internal ConfidenceOf Confidence { get; }

    /// <summary>
    /// The merchant that sends from a domain or one of its sub-domains; null: none that is known, or a relay for what others write.
    /// </summary>
    public static Merchant? OfDomain(string? domain) =>
        All.FirstOrDefault(merchant => merchant.Domains.Any(own => DomainNames.IsWithin(domain, own) && !IsRelay(domain!, own)));

    /// <summary>The order number in the address of a link to one of the merchant's domains; null: none.</summary>
    internal string? OrderOf(string address, string domain) =>
        TrackingLinks.Parameter(address, domain, OrderParameters) is { } value
            && OrderNumber.Match(value) is { Success: true, Index: 0 } match && match.Length == value.Length
            ? value.ToUpperInvariant()
            : null;

    private static bool IsRelay(string domain, string own) =>
        domain[..^own.Length].Split('.').Any(label => Relays.Contains(label, StringComparer.OrdinalIgnoreCase));

    public override string ToString() => Id;
}

/// <summary>The shares of a parsed order's confidence.</summary>
internal sealed record ConfidenceOf(double Base, double OrderNumber, double Tracking, double Total, double Items)
{
    private const double Least = 0.2;
    private const double Most = 0.95;

    public double Of(bool orderNumber, bool tracking, bool total, bool items) =>
        Math.Clamp(
            Base + (orderNumber ? OrderNumber : 0) + (tracking ? Tracking : 0) + (total ? Total : 0) + (items ? Items : 0), Least, Most);
}
