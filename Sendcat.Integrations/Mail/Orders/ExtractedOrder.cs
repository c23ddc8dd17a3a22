using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Mail.Orders;

/// <summary>One order of a mail or message, with where each field was read.</summary>
public sealed record ExtractedOrder
{
    /// <summary>
    /// Id of the merchant: <c>amazon</c>, <c>shein</c>, <c>ebay</c>, <c>temu</c>, or the sender's domain; <c>unknown</c> without one.
    /// </summary>
    public required string Merchant { get; init; }

    /// <summary>Name of the shop for people; it may be derived.</summary>
    public string? StoreName { get; init; }

    public Found<string>? OrderNumber { get; init; }

    /// <summary>What the order costs in all.</summary>
    public Found<Price>? Total { get; init; }

    /// <summary>Up to 300 characters; it may be derived.</summary>
    public string? ItemsSummary { get; init; }

    /// <summary>The parcels of this order in the order of the mail.</summary>
    public IReadOnlyList<ExtractedParcel> Parcels { get; init; } = [];

    /// <summary>
    /// The keys of the merchant's shipments to which links lead, for example <c>amazon:Bcd12fGh3</c>: mails about the same parcel have the
    /// same key.
    /// </summary>
    public IReadOnlyList<string> Shipments { get; init; } = [];

    /// <summary>0 to 1; below 0.7 a person must confirm the draft.</summary>
    public required double Confidence { get; init; }

    /// <summary>What is known about who says all this.</summary>
    public required SenderTrust Trust { get; init; }

    /// <summary>
    /// The fields of a complete order that are missing: <c>orderNumber</c>, <c>total</c>, <c>trackingNumbers</c>, <c>itemsSummary</c>.
    /// </summary>
    public IReadOnlyList<string> MissingFields =>
    [
        .. OrderNumber is null ? (string[])["orderNumber"] : [],
        .. Total is null ? (string[])["total"] : [],
        .. Parcels.Count == 0 ? (string[])["trackingNumbers"] : [],
        .. ItemsSummary is null ? (string[])["itemsSummary"] : [],
    ];

    /// <summary>False: the order is evidence, and a person decides whether its parcels are announced.</summary>
    public bool MayPreAlert => Trust is SenderTrust.Authenticated or SenderTrust.User && Parcels.Any(parcel => parcel.MayPreAlert);
}

/// <summary>A parcel.</summary>
/// <param name="TrackingNumber">Upper case, without blanks.</param>
/// <param name="Carrier">Id of the carrier; null: unknown, or one of several <paramref name="Candidates"/>.</param>
/// <param name="Candidates">The carriers and services whose format the number has.</param>
public sealed record ExtractedParcel(Found<string> TrackingNumber, string? Carrier, IReadOnlyList<TrackingCandidate> Candidates)
{
    /// <summary>False for a number that was read from a picture: a person must compare it first.</summary>
    public bool MayPreAlert => TrackingNumber.Source is not FieldSource.Picture;
}

/// <summary>A value and where it was read.</summary>
/// <param name="Value">The value.</param>
/// <param name="Source">What read it.</param>
/// <param name="Confidence">0 to 1.</param>
/// <param name="Evidence">The place in the mail; null for a picture.</param>
public sealed record Found<T>(T Value, FieldSource Source, double Confidence, Evidence? Evidence);

/// <summary>What read a field.</summary>
public enum FieldSource
{
    /// <summary>The sender's markup.</summary>
    Markup,

    /// <summary>The parser of a merchant.</summary>
    Merchant,

    /// <summary>The format of a tracking number and the words near it.</summary>
    Format,

    /// <summary>The address of a link.</summary>
    Link,

    /// <summary>A model; the value stands in the text.</summary>
    Model,

    /// <summary>A model that saw a picture; the value has a known format.</summary>
    Picture,
}

/// <summary>A place in a mail.</summary>
/// <param name="Start">Where it begins in the mail's text; -1: in markup or in the address of a link.</param>
/// <param name="Length">Its length in the text; 0 outside of it.</param>
/// <param name="Quote">What stands there, at most 120 characters.</param>
public sealed record Evidence(int Start, int Length, string Quote)
{
    private const int LongestQuote = 120;

    /// <summary>A span of the text.</summary>
    public static Evidence InText(string text, int start, int length) =>
        new(start, length, text.Substring(start, Math.Min(length, LongestQuote)));

    /// <summary>A value that the mail has outside of its text.</summary>
    public static Evidence Beside(string quote) => new(-1, 0, quote.Length <= LongestQuote ? quote : quote[..LongestQuote]);
}
