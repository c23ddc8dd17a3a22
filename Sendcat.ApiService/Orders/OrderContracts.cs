using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Parcels;

namespace Sendcat.ApiService.Orders;

/// <param name="Merchant">Id or domain of the merchant; <c>unknown</c> without one.</param>
/// <param name="OrderNumber">All order numbers, separated by commas; absent without one.</param>
/// <param name="TotalAmount">In units of <paramref name="TotalCurrency"/>.</param>
/// <param name="TotalCurrency">ISO 4217 code; absent: no mail says which.</param>
/// <param name="Confidence">0 to 1. Below 0.7 compare the draft with the order before you confirm it.</param>
/// <param name="MissingFields">Of <c>orderNumber</c>, <c>total</c>, <c>trackingNumbers</c> and <c>itemsSummary</c> those that nobody knows
/// yet.</param>
/// <param name="InvoiceId">The attachment that is the invoice.</param>
/// <param name="EvidenceIds">The mails and messages that the draft was made of.</param>
internal sealed record DraftView(
    Guid Id, string Status, string Merchant, string? StoreName, string? OrderNumber, IReadOnlyList<string> OrderNumbers,
    string? ItemsSummary,
    decimal? TotalAmount, string? TotalCurrency, double Confidence, IReadOnlyList<string> MissingFields, bool InvoicePresent,
    Guid? InvoiceId,
    IReadOnlyList<ParcelView> Parcels, IReadOnlyList<Guid> EvidenceIds, DateTime? ConfirmedAt, DateTime CreatedAt, DateTime UpdatedAt)
{
    public static DraftView Of(PurchaseDraft draft, IReadOnlyList<ParcelView> parcels, IReadOnlyList<Guid> evidence) => new(
        draft.Id, draft.Status, draft.Merchant, draft.StoreName,
        draft.OrderNumbers.Length == 0 ? null : string.Join(",", draft.OrderNumbers), draft.OrderNumbers,
        draft.ItemsSummary, draft.TotalAmount, draft.TotalCurrency, draft.Confidence,
        [
            .. draft.OrderNumbers.Length == 0 ? (string[])["orderNumber"] : [],
            .. draft.TotalAmount is null ? (string[])["total"] : [],
            .. parcels.Count == 0 ? (string[])["trackingNumbers"] : [],
            .. draft.ItemsSummary is null ? (string[])["itemsSummary"] : [],
        ],
        draft.InvoicePresent, draft.InvoiceId, parcels, evidence, draft.ConfirmedAt?.UtcDateTime, draft.CreatedAt.UtcDateTime,
        draft.UpdatedAt.UtcDateTime);
}

/// <param name="Carrier">Id of the carrier; absent: unknown.</param>
/// <param name="IsVerified">
/// An authenticated mail of a known merchant or the user names the number. False: compare it before you confirm the draft.
/// </param>
/// <param name="PreAlertId">Its pre-alert, if there is one.</param>
/// <param name="PreAlertStatus"><c>draft</c>, <c>submitted</c> or <c>rejected</c>.</param>
internal sealed record ParcelView(string TrackingNumber, string? Carrier, bool IsVerified, Guid? PreAlertId, string? PreAlertStatus);

/// <summary>Fields of a draft to change. An omitted field is unchanged; empty text and an amount of 0 clear one.</summary>
/// <param name="Merchant">Not empty.</param>
/// <param name="OrderNumber">One or several, separated by commas.</param>
/// <param name="TotalAmount">0 to 10¹².</param>
/// <param name="TotalCurrency">ISO 4217 code. An amount needs one.</param>
internal sealed partial record DraftPatch(
    string? Merchant, string? StoreName, string? OrderNumber, string? ItemsSummary, decimal? TotalAmount,
    string? TotalCurrency) : IValidatable
{
    [JsonIgnore]
    public IReadOnlyList<string>? OrderNumbers =>
        OrderNumber is null ? null
        : [.. OrderNumber.ToUpperInvariant().Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal)];

    public DraftEdit Edit() => new()
    {
        Merchant = Merchant?.Trim(), StoreName = StoreName?.Trim(), OrderNumbers = OrderNumbers, ItemsSummary = ItemsSummary?.Trim(),
        TotalAmount = TotalAmount, TotalCurrency = TotalCurrency,
    };

    public IEnumerable<string> Problems()
    {
        if (Merchant is not null && !StoredText.HasText(Merchant, OrderText.MaxMerchant))
        {
            yield return $"merchant must have 1 to {OrderText.MaxMerchant} characters";
        }

        if (!StoredText.Fits(StoreName, OrderText.MaxMerchant) || !StoredText.Fits(ItemsSummary, OrderText.MaxSummary))
        {
            yield return $"storeName may have {OrderText.MaxMerchant} characters and itemsSummary {OrderText.MaxSummary}";
        }

        if (!StoredText.Fits(OrderNumber, OrderText.MaxNumbers * (OrderText.MaxNumber + 2))
            || OrderNumbers is { } numbers
                && (numbers.Count > OrderText.MaxNumbers || numbers.Any(number => number.Length > OrderText.MaxNumber)))
        {
            yield return $"orderNumber may have {OrderText.MaxNumbers} numbers of {OrderText.MaxNumber} characters, separated by commas";
        }

        if (TotalAmount is < 0 or > OrderText.MaxAmount)
        {
            yield return "totalAmount must be 0 to 1000000000000";
        }

        if (TotalCurrency is not null && !Code().IsMatch(TotalCurrency))
        {
            yield return "totalCurrency must be an ISO 4217 code, such as USD";
        }
    }

    [GeneratedRegex(@"\A[A-Z]{3}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex Code();
}

/// <summary>The confirmation of a draft.</summary>
/// <param name="TrackingNumbers">The parcels of the draft to announce; omitted: all.</param>
internal sealed record DraftConfirmation(IReadOnlyList<string>? TrackingNumbers) : IValidatable, IOptionalBody
{
    private const int MaxParcels = 100;

    [JsonIgnore]
    public IReadOnlyList<string>? Normalized =>
        TrackingNumbers is null ? null : [.. TrackingNumbers.Select(PackageRules.Normalize).OfType<string>()];

    public IEnumerable<string> Problems()
    {
        if (TrackingNumbers is { Count: > MaxParcels } || TrackingNumbers?.Any(number => PackageRules.Normalize(number) is null) == true)
        {
            yield return $"trackingNumbers may have {MaxParcels} numbers of 8 to 40 letters and digits";
        }
    }
}

/// <param name="AttachmentId">The id that <c>POST /api/attachments</c> returned.</param>
/// <param name="StorageId">Another name of <paramref name="AttachmentId"/>, as in messages.</param>
internal sealed record InvoiceOrder(string? AttachmentId, string? StorageId) : IValidatable
{
    [JsonIgnore]
    public Guid? Attachment => Guid.TryParseExact(AttachmentId ?? StorageId, "D", out var id) ? id : null;

    public IEnumerable<string> Problems()
    {
        if (Attachment is null)
        {
            yield return "attachmentId must be the id of a file that you have uploaded";
        }
    }
}

/// <param name="DraftId">The order of the parcel; absent: announced without one.</param>
/// <param name="Status"><c>draft</c>: found in a mail, confirm its draft to submit it. <c>submitted</c>: announced to the
/// warehouse. <c>rejected</c>: withdrawn by the user.</param>
internal sealed record PreAlertView(
    Guid Id, Guid? DraftId, string TrackingNumber, string? Carrier, string Status, DateTime? ConfirmedAt, DateTime? SubmittedAt,
    DateTime CreatedAt, DateTime UpdatedAt)
{
    public static PreAlertView Of(PreAlert alert) => new(
        alert.Id, alert.DraftId, alert.TrackingNumber, alert.Carrier, alert.Status, alert.ConfirmedAt?.UtcDateTime,
        alert.SubmittedAt?.UtcDateTime,
        alert.CreatedAt.UtcDateTime, alert.UpdatedAt.UtcDateTime);
}

/// <param name="TrackingNumber">8 to 40 letters and digits; blanks and hyphens are ignored.</param>
/// <param name="Carrier">Omitted: the carrier that the format of the number implies, if there is one alone.</param>
/// <param name="DraftId">The order of the parcel.</param>
internal sealed record PreAlertOrder(string? TrackingNumber, string? Carrier, string? DraftId) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (PackageRules.Normalize(TrackingNumber) is null)
        {
            yield return "trackingNumber must have 8 to 40 letters and digits";
        }

        if (Carrier is not null && !StoredText.HasText(Carrier, 50))
        {
            yield return "carrier must have 1 to 50 characters";
        }
    }
}

/// <param name="Source"><c>gmail</c> or <c>whatsapp</c>.</param>
/// <param name="SourceMessageId">The id of the mail or message there.</param>
/// <param name="Status"><c>pending</c>: another attempt follows; <c>extracted</c>; <c>failed</c>; <c>ignored</c>: about something
/// else.</param>
/// <param name="ExtractionError">Why it failed: <c>insufficient_core_fields</c> or <c>extraction_unavailable</c>.</param>
/// <param name="DraftIds">The drafts that it is part of.</param>
internal sealed record EvidenceView(
    Guid Id, string Source, string SourceMessageId, string? Merchant, DateTime ReceivedAt, DateTime ProcessedAt, string Status,
    string? ExtractionError,
    IReadOnlyList<Guid> DraftIds);

/// <param name="AutoCreatePreAlerts">Parcels of authenticated mails, and of your own messages, become pre-alerts.</param>
/// <param name="GmailSyncEnabled">The connected mailbox is read.</param>
/// <param name="WhatsappSyncEnabled">Messages of the linked phone are read.</param>
/// <param name="PackageStatusMails">A mail is sent when the status of a package changes, to a confirmed address.</param>
internal sealed record PreferencesView(bool AutoCreatePreAlerts, bool GmailSyncEnabled, bool WhatsappSyncEnabled, bool PackageStatusMails)
{
    public static PreferencesView Of(UserPreferences preferences) =>
        new(preferences.AutoCreatePreAlerts, preferences.GmailSyncEnabled, preferences.WhatsappSyncEnabled, preferences.PackageStatusMails);
}

/// <summary>Preferences to change. An omitted one is unchanged.</summary>
internal sealed record PreferencesChange(
    bool? AutoCreatePreAlerts, bool? GmailSyncEnabled, bool? WhatsappSyncEnabled, bool? PackageStatusMails);

[
    JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DraftView))]
[JsonSerializable(typeof(Page<DraftView>), TypeInfoPropertyName = "DraftPage")]
[JsonSerializable(typeof(DraftPatch))]
[JsonSerializable(typeof(DraftConfirmation))]
[JsonSerializable(typeof(InvoiceOrder))]
[JsonSerializable(typeof(PreAlertView))]
[JsonSerializable(typeof(Page<PreAlertView>), TypeInfoPropertyName = "PreAlertPage")]
[JsonSerializable(typeof(PreAlertOrder))]
[JsonSerializable(typeof(Page<EvidenceView>), TypeInfoPropertyName = "EvidencePage")]
[JsonSerializable(typeof(PreferencesView))]
[JsonSerializable(typeof(PreferencesChange))]
internal sealed partial class OrdersJson : JsonSerializerContext;
