namespace Sendcat.ApiService.Orders;

/// <summary>
/// What became of one mail or message of a user. It contains no text of it: neither a snippet nor the file of a photo is stored.
/// <see cref="Integrations.Orders.OrderIntake"/> writes the rows.
/// </summary>
internal sealed class Evidence
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>One of <see cref="Integrations.Orders.EvidenceNames.Kinds"/>.</summary>
    public required string Source { get; init; }

    /// <summary>The id of the mail or message there.</summary>
    public required string MessageId { get; init; }

    public string? Merchant { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public required DateTimeOffset ProcessedAt { get; init; }

    /// <summary>One of <see cref="Integrations.Orders.EvidenceNames.Statuses"/>.</summary>
    public required string Status { get; init; }

    /// <summary>For example <c>insufficient_core_fields</c>.</summary>
    public string? Error { get; init; }
}

/// <summary>Links a draft to the evidence that it was made of.</summary>
internal sealed class DraftEvidence
{
    public required Guid DraftId { get; init; }

    public required Guid EvidenceId { get; init; }
}
