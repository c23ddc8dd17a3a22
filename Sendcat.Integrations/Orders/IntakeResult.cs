namespace Sendcat.Integrations.Orders;

/// <summary>What a mail or message has caused.</summary>
/// <param name="Status">Of the evidence.</param>
/// <param name="DraftsCreated">New drafts.</param>
/// <param name="DraftsUpdated">Drafts that existed before, and that it concerns.</param>
/// <param name="PreAlerts">New pre-alerts.</param>
public sealed record IntakeResult(EvidenceStatus Status, int DraftsCreated, int DraftsUpdated, int PreAlerts)
{
    /// <summary>The source was recorded before, or its account does not exist any more: nothing was changed.</summary>
    public bool IsRepeat { get; init; }

    /// <summary>Nothing was changed.</summary>
    internal static IntakeResult Nothing => new(EvidenceStatus.Ignored, 0, 0, 0) { IsRepeat = true };
}
