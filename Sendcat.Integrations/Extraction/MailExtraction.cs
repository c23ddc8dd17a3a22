using Sendcat.Integrations.Mail.Orders;

namespace Sendcat.Integrations.Extraction;

/// <summary>What was extracted from one mail, message or picture.</summary>
public sealed record MailExtraction
{
    public required MailTopic Kind { get; init; }

    /// <summary>Empty for promotions, receipts and mails about anything else.</summary>
    public IReadOnlyList<ExtractedOrder> Orders { get; init; } = [];

    public required ExtractionPath Path { get; init; }

    /// <summary>The model whose answer was used; null without one.</summary>
    public string? Model { get; init; }

    /// <summary>Requests to models, failed ones included.</summary>
    public int ModelCalls { get; init; }

    /// <summary>Values of the model that were dropped because the mail does not contain them.</summary>
    public int UngroundedValues { get; init; }

    /// <summary>The model sees an invoice.</summary>
    public bool InvoicePresent { get; init; }

    /// <summary>Why no model answered, when one was needed. <see cref="Orders"/> has then what was found without it.</summary>
    public ExtractionFailure? Failure { get; init; }
}

/// <summary>How the orders were found. The first way that finds something is the last that is tried.</summary>
public enum ExtractionPath
{
    /// <summary>Nothing was found, or nothing was looked for.</summary>
    None,
    Markup,
    Merchant,
    Model,
}

/// <summary>Why no model answered.</summary>
/// <param name="Message">For logs; it contains no text of mails or models.</param>
/// <param name="Retryable">Whether a later attempt may succeed.</param>
/// <param name="RetryAfter">Time until then, if it is known.</param>
public sealed record ExtractionFailure(string Message, bool Retryable, TimeSpan? RetryAfter = null);
