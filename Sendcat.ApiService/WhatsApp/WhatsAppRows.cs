namespace Sendcat.ApiService.WhatsApp;

/// <summary>The WhatsApp user of an account. It has a phone number, a business-scoped id or both.</summary>
internal sealed class WhatsAppLink
{
    public required string UserId { get; init; }

    /// <summary>Digits with the country; null: the user hides the number.</summary>
    public string? Phone { get; init; }

    public string? BusinessUserId { get; init; }

    public required DateTimeOffset ConnectedAt { get; init; }

    public DateTimeOffset? LastMessageAt { get; init; }
}

/// <summary>The linking code of an account, until it is used, replaced or expired.</summary>
internal sealed class WhatsAppLinkingCode
{
    public required string UserId { get; init; }

    public required string Code { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A reply that was caused. It contains neither its text nor its recipient.</summary>
internal sealed class WhatsAppReplyRow
{
    /// <summary>SHA-256 of what it replies to, so that it is caused once.</summary>
    public required string Key { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a request to send it was made, unless its refusal is known: then it is not sent again.</summary>
    public DateTimeOffset? AttemptedAt { get; init; }

    /// <summary>Meta's id of the sent message.</summary>
    public string? MessageId { get; init; }
}

/// <summary>What Meta reported about a message that we sent: the latest of its states.</summary>
internal sealed class WhatsAppStatusRow
{
    public required string MessageId { get; init; }

    /// <summary>The number of the <see cref="Integrations.WhatsApp.WhatsAppMessageState"/>.</summary>
    public required int State { get; init; }

    public int? ErrorCode { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }
}
