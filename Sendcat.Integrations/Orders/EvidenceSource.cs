namespace Sendcat.Integrations.Orders;

/// <summary>
/// The mail or message that evidence comes from. It is unique by user, kind and message: whatever arrives again has no further effect for
/// this user, and the same message id of another user is another source.
/// </summary>
/// <param name="UserId">The account that it belongs to.</param>
/// <param name="Kind">Where it arrived.</param>
/// <param name="MessageId">The id that Gmail or WhatsApp gave it, 1 to 500 characters.</param>
/// <param name="ReceivedAt">When it arrived there.</param>
/// <param name="Subject">For the caller's own use; it is content of the mail and is never stored.</param>
/// <param name="SenderDomain">Domain of From; null: unknown, or a message of the user. It names the merchant of evidence without an
/// order.</param>
public sealed record EvidenceSource(
    string UserId, EvidenceKind Kind, string MessageId, DateTimeOffset ReceivedAt, string? Subject = null, string? SenderDomain = null);

/// <summary>Where evidence comes from.</summary>
public enum EvidenceKind
{
    Gmail,
    WhatsApp,
}

/// <summary>What became of a mail or message.</summary>
public enum EvidenceStatus
{
    /// <summary>
    /// The extraction failed for a reason that passes. What was found without a model is recorded; another attempt completes it.
    /// </summary>
    Pending,

    /// <summary>It led to at least one draft.</summary>
    Extracted,

    /// <summary>It looked like an order and has neither an order number nor a tracking number, or it cannot be read.</summary>
    Failed,

    /// <summary>It is about something else, and no model was called. Only its id is stored, so that it is not read again.</summary>
    Ignored,
}

/// <summary>The names of kinds and states in the database and the API.</summary>
public static class EvidenceNames
{
    public static readonly IReadOnlyList<string> Kinds = ["gmail", "whatsapp"];

    public static readonly IReadOnlyList<string> Statuses = ["pending", "extracted", "failed", "ignored"];

    public static string Name(this EvidenceKind kind) => kind switch
    {
        EvidenceKind.Gmail => "gmail",
        EvidenceKind.WhatsApp => "whatsapp",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind of evidence."),
    };

    public static string Name(this EvidenceStatus status) => status switch
    {
        EvidenceStatus.Pending => "pending",
        EvidenceStatus.Extracted => "extracted",
        EvidenceStatus.Failed => "failed",
        EvidenceStatus.Ignored => "ignored",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status of evidence."),
    };
}
