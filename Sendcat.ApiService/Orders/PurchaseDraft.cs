namespace Sendcat.ApiService.Orders;

/// <summary>An order of a user, as mails, messages and the user describe it, until the user confirms or rejects it.</summary>
internal sealed class PurchaseDraft
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>One of <see cref="Integrations.Orders.DraftStatuses.All"/>.</summary>
    public required string Status { get; init; }

    /// <summary>Id or domain of the merchant; <c>unknown</c> without one.</summary>
    public required string Merchant { get; init; }

    public string? StoreName { get; init; }

    /// <summary>Upper case. Several for orders that share a parcel.</summary>
    public required string[] OrderNumbers { get; init; }

    public string? ItemsSummary { get; init; }

    /// <summary>In units of <see cref="TotalCurrency"/>.</summary>
    public decimal? TotalAmount { get; init; }

    /// <summary>ISO 4217 code; null: no mail says which.</summary>
    public string? TotalCurrency { get; init; }

    /// <summary>0 to 1, the highest of all evidence.</summary>
    public double Confidence { get; init; }

    /// <summary>The mail contains an invoice, or the user has uploaded one.</summary>
    public bool InvoicePresent { get; init; }

    /// <summary>The attachment that is the invoice. It is deleted with the draft, unless a message names it too.</summary>
    public Guid? InvoiceId { get; init; }

    public DateTimeOffset? ConfirmedAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A parcel of a draft. A tracking number belongs to one draft of a user.</summary>
internal sealed class DraftParcel
{
    public required string UserId { get; init; }

    public required string TrackingNumber { get; init; }

    public required Guid DraftId { get; init; }

    /// <summary>Id of the carrier; null: unknown.</summary>
    public string? Carrier { get; init; }

    /// <summary>
    /// An authenticated mail, a text of the user or the user says so; not a picture and no mail that anybody may have written.
    /// </summary>
    public bool IsVerified { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
