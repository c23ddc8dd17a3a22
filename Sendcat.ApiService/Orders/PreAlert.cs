namespace Sendcat.ApiService.Orders;

/// <summary>The announcement of a parcel to the warehouse. A user announces a tracking number once.</summary>
internal sealed class PreAlert
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>The order that the parcel belongs to; null: the user announced it without one.</summary>
    public Guid? DraftId { get; init; }

    public required string TrackingNumber { get; init; }

    public string? Carrier { get; init; }

    /// <summary>One of <see cref="Integrations.Orders.DraftStatuses.OfPreAlerts"/>.</summary>
    public required string Status { get; init; }

    public DateTimeOffset? ConfirmedAt { get; init; }

    public DateTimeOffset? SubmittedAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }
}
