using System.Runtime.InteropServices;
using System.Text;
using MimeKit;
using Sendcat.Integrations.Mail.Html;
using Sendcat.Integrations.Mail.Markup;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.Integrations.Mail;

/// <summary>
/// Reads raw mails (RFC 5322). It throws for no input, fetches no address, and its time is linear in the length of the mail.
/// </summary>
public static class MailReader
{
    /// <summary>Bytes of a mail that are read.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    /// <summary>Characters of the visible text that are kept.</summary>
    public const int MaxTextChars = 200_000;

    private const int MaxPartBytes = 2 * 1024 * 1024;
    private const int MaxParts = 200;
    private const int MaxForwards = 5;
    private const int MaxForwardDepth = 3;
    private const int LongestSubject = 1_000;

    /// <summary>An HTML part with less text is a frame around pictures; then the plain part counts.</summary>
    private const int ShortestHtmlText = 40;

    /// <summary>The encodings of mails that .NET does not know by itself; MimeKit uses them too.</summary>
    static MailReader() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Reads a mail as its receiver got it.</summary>
    /// <param name="raw">The mail, for instance of Gmail's <c>format=raw</c>.</param>
    /// <param name="receiver">The authserv-id of the receiver whose verification of the sender counts; null: Gmail's.</param>
    public static ReadMail Read(ReadOnlyMemory<byte> raw, string? receiver = null)
    {
        var truncated = raw.Length > MaxBytes;
        var kept = truncated ? raw[..MaxBytes] : raw;
        using var stream = MemoryMarshal.TryGetArray(kept, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(kept.ToArray(), writable: false);
        try
        {
            var options = ParserOptions.Default.Clone();
            options.MaxMimeDepth = 24;
            var message = new MimeParser(options, stream).ParseMessage();
            var mail = Read(message, receiver ?? SenderVerdict.Gmail, depth: 0, new HtmlBudget());
            return truncated ? mail with { Defects = mail.Defects | MailDefects.Truncated } : mail;
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
        {
            // The parsers are others' code, and the mail is a stranger's: whatever they throw means that it cannot be read.
            return new() { Defects = MailDefects.Unreadable };
        }
    }

    /// <summary>A message of a user as if it were a mail: text that the user wrote or forwarded to us.</summary>
    /// <param name="text">The text of the message.</param>
    public static ReadMail OfUserText(string text)
    {
        var visible = VisibleTextWriter.OfPlain(text, MaxTextChars, out var isCut);
        return new()
        {
            Text = visible,
            Links = [.. PlainLinks.Find(visible)],
            Trust = SenderTrust.User,
            Defects = isCut ? MailDefects.Truncated : MailDefects.None,
        };
    }

    private static ReadMail Read(MimeMessage message, string receiver, int depth, HtmlBudget budget)
    {
        var verdict = SenderVerdict.Of(message.Headers, receiver);
        var known = Merchant.OfDomain(verdict.Domain);
        var trust = depth > 0 ? SenderTrust.Forwarded
            : verdict.Trust is SenderTrust.Authenticated && known is null ? SenderTrust.Stranger
            : verdict.Trust;
        var parts = new Parts();
        Collect(message.Body, parts);
        var subject = Subject(message.Subject);
        var (body, links, markup, defects) = Body(parts, subject.Length + 2, budget);
        var from = verdict.Domain is null ? null : message.From.Mailboxes.FirstOrDefault();
        var mail = new ReadMail
        {
            MessageId = message.MessageId,
            Subject = subject,
            From = from?.GetAddress(true).ToLowerInvariant(),
            FromName = from?.Name is { Length: > 0 and <= 200 } name ? name : null,
            SenderDomain = verdict.Domain,
            Trust = trust,
            Merchant = trust is SenderTrust.Unproven ? null : known,
            Date = message.Headers.Contains(HeaderId.Date) && message.Date > DateTimeOffset.UnixEpoch ? message.Date : null,
            Text = $"{subject}\n\n{body}",
            Links = links,
            Markup = markup,
            Attachments = parts.Attachments,
            IsBulk = message.Headers.Contains(HeaderId.ListUnsubscribe) || message.Headers.Contains(HeaderId.ListId),
            Defects = defects,
        };
        return mail with { Originals = Originals(mail, parts, receiver, depth, budget) };
    }

    /// <summary>A merchant's own mail forwards nothing: what looks like a forward in it is its text.</summary>
    private static IReadOnlyList<ReadMail> Originals(ReadMail mail, Parts parts, string receiver, int depth, HtmlBudget budget)
    {
        if (mail.Merchant is not null || depth >= MaxForwardDepth)
        {
            return [];
        }

        if (parts.Messages.Count > 0)
        {
            return [.. parts.Messages.Select(message => Read(message, receiver, depth + 1, budget))];
        }

        return InlineForward.Find(mail.Subject, mail.Text) is { } forward ? [Original(mail, forward)] : [];
    }

    private static ReadMail Original(ReadMail outer, InlineForward forward)
    {
        var domain = DomainNames.OfAddress(forward.From);
        var head = $"{forward.Subject}\n\n";
        var shift = head.Length - forward.TextStart;
        return new()
        {
            Subject = forward.Subject,
            From = forward.From,
            FromName = forward.FromName,
            SenderDomain = domain,
            Trust = SenderTrust.Forwarded,
            Merchant = Merchant.OfDomain(domain),
            Date = outer.Date,
            Text = head + outer.Text[forward.TextStart..],
            Links = [.. outer.Links.Where(link => link.Start >= forward.TextStart).Select(
                link => link with { Start = link.Start + shift })],
            Markup = outer.Markup,
            Defects = outer.Defects,
        };
    }

    private static (
        string Body, IReadOnlyList<MailLink> Links, IReadOnlyList<MarkupItem> Markup, MailDefects Defects) Body(Parts parts, int shift,
        HtmlBudget budget)
    {
        var defects = MailDefects.None;
        HtmlReading? html = null;
        IReadOnlyList<MarkupItem> markup = [];
        if (parts.Html is { } htmlPart)
        {
            html = HtmlReading.Of(PartText.Of(htmlPart, MaxPartBytes, out var isCut), MaxTextChars, budget);
            defects |= isCut || html.IsCut ? MailDefects.Truncated : MailDefects.None;
            defects |= html.Document is null ? MailDefects.OddHtml : MailDefects.None;
            markup = html.Document is { } document ? [.. JsonLd.Read(document), .. Microdata.Read(document)] : [];
        }

        if (parts.Plain is { } plainPart && (html is null || html.Text.Length < ShortestHtmlText))
        {
            var plain = VisibleTextWriter.OfPlain(PartText.Of(plainPart, MaxPartBytes, out var partIsCut), MaxTextChars, out var textIsCut);
            defects |= partIsCut || textIsCut ? MailDefects.Truncated : MailDefects.None;
            if (html is null || plain.Length > html.Text.Length)
            {
                return (plain, [.. PlainLinks.Find(plain).Select(link => link with { Start = link.Start + shift })], markup, defects);
            }
        }

        return html is null
            ? ("", [], [], defects)
            : (html.Text, [.. html.Links.Select(link => link with { Start = link.Start + shift })], markup, defects);
    }

    private static string Subject(string? subject)
    {
        var writer = new VisibleTextWriter(LongestSubject);
        writer.Append(subject);
        return writer.ToString();
    }

    /// <summary>The first text of each kind, the attached mails, and the names of the other files.</summary>
    private static void Collect(MimeEntity? body, Parts parts)
    {
        var open = new Stack<MimeEntity?>([body]);
        for (var count = 0; count < MaxParts && open.TryPop(out var entity); count++)
        {
            switch (entity)
            {
                case Multipart multipart:
                    for (var at = Math.Min(multipart.Count, MaxParts) - 1; at >= 0; at--)
                    {
                        open.Push(multipart[at]);
                    }

                    break;
                case MessagePart { Message: { } message } when parts.Messages.Count < MaxForwards:
                    parts.Messages.Add(message);
                    break;
                case TextPart { IsAttachment: false, IsHtml: true } html when parts.Html is null:
                    parts.Html = html;
                    break;
                case TextPart { IsAttachment: false, IsHtml: false } text when parts.Plain is null
                    && text.ContentType.IsMimeType("text", "plain"):
                    parts.Plain = text;
                    break;
                case MimePart { IsAttachment: true } file:
                    parts.Attachments.Add(new(NameOf(file), file.ContentType.MimeType.ToLowerInvariant()));
                    break;
                case MimePart { FileName: not null } file:
                    parts.Attachments.Add(new(NameOf(file), file.ContentType.MimeType.ToLowerInvariant()));
                    break;
                default:
                    break;
            }
        }
    }

    private static string? NameOf(MimePart file) =>
        file.FileName is { Length: > 0 } name
            ? name[(name.LastIndexOfAny(['/', '\\']) + 1)..] is { Length: > 0 and <= 200 } last
            ? last
            : null
            : null;

    private sealed class Parts
    {
        public TextPart? Html { get; set; }

        public TextPart? Plain { get; set; }

        public List<MimeMessage> Messages { get; } = [];

        public List<MailAttachment> Attachments { get; } = [];
    }
}
