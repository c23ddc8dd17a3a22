using Sendcat.Integrations.Mail.Markup;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.Integrations.Mail;

/// <summary>A mail as its reader sees it, without hidden text, and what is known about its sender.</summary>
public sealed record ReadMail
{
    /// <summary>Message-Id without angle brackets; null without one.</summary>
    public string? MessageId { get; init; }

    /// <summary>Subject, decoded; empty without one.</summary>
    public string Subject { get; init; } = "";

    /// <summary>Address of the sender in lower case; null: there is none, or several.</summary>
    public string? From { get; init; }

    /// <summary>Name that the sender gives itself. It proves nothing.</summary>
    public string? FromName { get; init; }

    /// <summary>Domain of <see cref="From"/> in lower case.</summary>
    public string? SenderDomain { get; init; }

    public SenderTrust Trust { get; init; } = SenderTrust.Unproven;

    /// <summary>The known merchant whose own mail this is (or, if forwarded, claims to be); null: none.</summary>
    public Merchant? Merchant { get; init; }

    /// <summary>The time of the header Date; null without a valid one.</summary>
    public DateTimeOffset? Date { get; init; }

    /// <summary>Subject, an empty line, and the visible text. The spans of <c>Evidence</c> are positions in it.</summary>
    public string Text { get; init; } = "";

    /// <summary>The links of the text in its order.</summary>
    public IReadOnlyList<MailLink> Links { get; init; } = [];

    /// <summary>What the mail says about orders and parcels for machines. It counts only as far as <see cref="Trust"/> goes.</summary>
    public IReadOnlyList<MarkupItem> Markup { get; init; } = [];

    /// <summary>Names and types of the attached files; their content is not read.</summary>
    public IReadOnlyList<MailAttachment> Attachments { get; init; } = [];

    /// <summary>
    /// The mails that this one forwards, attached or inside its text. Their trust is at most <see cref="SenderTrust.Forwarded"/>.
    /// </summary>
    public IReadOnlyList<ReadMail> Originals { get; init; } = [];

    /// <summary>The sender offers to unsubscribe: a mail to many.</summary>
    public bool IsBulk { get; init; }

    /// <summary>What could not be read completely.</summary>
    public MailDefects Defects { get; init; }
}

/// <summary>A link of a mail.</summary>
/// <param name="Address">An http or https address as it stands in the mail. Nobody fetches it.</param>
/// <param name="Start">Where its words begin in the text.</param>
/// <param name="Length">Length of its words; 0 for a picture.</param>
public sealed record MailLink(string Address, int Start, int Length);

/// <summary>An attached file.</summary>
/// <param name="Name">File name without folders; null without one.</param>
/// <param name="MediaType">For example <c>application/pdf</c>, as the sender says.</param>
public sealed record MailAttachment(string? Name, string MediaType);

/// <summary>What could not be read completely.</summary>
[Flags]
public enum MailDefects
{
    None = 0,

    /// <summary>It is no mail, or its parts cannot be told apart.</summary>
    Unreadable = 1,

    /// <summary>
    /// It is longer than <see cref="MailReader.MaxBytes"/>, or its text than <see cref="MailReader.MaxTextChars"/>: the rest was not read.
    /// </summary>
    Truncated = 2,

    /// <summary>Its HTML is nested so deeply that only its text was read, without markup.</summary>
    OddHtml = 4,
}
