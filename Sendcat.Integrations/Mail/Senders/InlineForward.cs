using System.Text.RegularExpressions;
using MimeKit;

namespace Sendcat.Integrations.Mail.Senders;

/// <summary>The original that a mail program copied into the text of a forwarded mail.</summary>
/// <param name="From">Address of the sender, as the text says.</param>
/// <param name="FromName">Its name.</param>
/// <param name="Subject">Subject, empty without one.</param>
/// <param name="TextStart">Where the original's text begins.</param>
internal sealed record InlineForward(string From, string? FromName, string Subject, int TextStart)
{
    private const int MostHeaderLines = 12;

    private static readonly Regex Marker = LinearRegex.Of(
        @"^[\s>]*(-{2,}\s*(forwarded\s+message|original\s+message|mensaje\s+reenviado|mensaje\s+original|mensagem\s+encaminhada"
            + @"|weitergeleitete\s+nachricht|urspr[uü]ngliche\s+nachricht|message\s+transf[eé]r[eé]|message\s+original"
            + @"|messaggio\s+(inoltrato|originale)|doorgestuurd\s+bericht|oorspronkelijk\s+bericht|пересылаемое\s+сообщение|転送メッセージ"
            + @"|转发的邮件|轉寄的郵件)\s*-{2,}"
        + @"|begin\s+forwarded\s+message:|anfang\s+der\s+weitergeleiteten\s+nachricht:|d[eé]but\s+du\s+message\s+r[eé]exp[eé]di[eé]\s*:"
        + @"|inicio\s+del\s+mensaje\s+reenviado:|inizio\s+messaggio\s+inoltrato:|_{20,})\s*$",
        RegexOptions.Multiline);

    private static readonly Regex FromLine = LinearRegex.Of(
        @"^[\s>*]*(from|de|von|da|van|fr[aå]n|fra|lähettäjä|от|差出人|发件人|寄件者)\s*[:：][\s*]*(?<value>.+?)[\s*]*$");
    private static readonly Regex SubjectLine = LinearRegex.Of(
        @"^[\s>*]*(subject|asunto|assunto|betreff|objet|oggetto|onderwerp|[aä]mne|emne|aihe|тема|件名|主题|主旨)"
            + @"\s*[:：][\s*]*(?<value>.*?)[\s*]*$");
    private static readonly Regex OtherLine = LinearRegex.Of(
        @"^[\s>*]*(date|sent|to|cc|reply-to|fecha|enviado|para|datum|gesendet|an|envoy[eé]|[àa]|inviato|data|verzonden|aan|skickat|till"
            + @"|sendt|til|lähetetty|vastaanottaja|kopia?|kopi|дата|отправлено|кому|日付|宛先|日期|收件人)\s*[:：]");

    /// <summary>
    /// Outlook draws a line of HTML, which is no text, before the header lines. They count only in a mail that is called a forward: a reply
    /// quotes in the same way.
    /// </summary>
    private static readonly Regex HeaderLines = LinearRegex.Of(
        @"^[ >*]*(from|de|von|da|van|fr[aå]n|fra|lähettäjä|от)[ ]?:[^\n]*@[^\n]*\n[ >*]*(date|sent|to|fecha|enviad[oa](\s+el)?|para|datum"
            + @"|gesendet|an|envoy[eé]|[àa]|inviato|data|verzonden|aan|skickat|till|sendt|til|lähetetty|дата|отправлено|кому)[ ]?:",
        RegexOptions.Multiline);

    private static readonly Regex ForwardSubject = LinearRegex.Of(@"^\s*(fwd?|wg|tr|rv|enc|i|vs|vb|vl|doorst|пересл)\s*:");

    /// <summary>Null: the text has no original, or it does not say from whom it is.</summary>
    /// <param name="outerSubject">The subject of the mail.</param>
    /// <param name="text">Its text.</param>
    public static InlineForward? Find(string outerSubject, string text)
    {
        if (Start(outerSubject, text) is not { } at)
        {
            return null;
        }

        string? from = null;
        var subject = "";
        for (var lines = 0; lines < MostHeaderLines && at < text.Length; lines++)
        {
            var end = text.IndexOf('\n', at) is >= 0 and var newLine ? newLine : text.Length;
            var line = text[at..end];
            if (line.Length > 500)
            {
                break;
            }

            if (FromLine.Match(line) is { Success: true } sender && from is null)
            {
                from = sender.Groups["value"].Value;
            }
            else if (SubjectLine.Match(line) is { Success: true } named)
            {
                subject = named.Groups["value"].Value.Trim();
            }
            else if (!OtherLine.IsMatch(line) && line.Trim(' ', '>', '*').Length > 0)
            {
                break;
            }

            at = Math.Min(text.Length, end + 1);
        }

        // Some programs write "Name [mailto:address]".
        return from is not null
            && InternetAddressList.TryParse(
                from.Replace("[mailto:", "<", StringComparison.OrdinalIgnoreCase).Replace(']', '>'), out var list)
            && list.Mailboxes.FirstOrDefault() is { } mailbox && DomainNames.OfAddress(mailbox.GetAddress(true)) is not null
                ? new(mailbox.GetAddress(true).ToLowerInvariant(), mailbox.Name, subject, at)
                : null;
    }

    /// <summary>Where the header lines of the original begin.</summary>
    private static int? Start(string subject, string text)
    {
        if (Marker.Match(text) is { Success: true } marker)
        {
            return Math.Min(text.Length, marker.Index + marker.Length + 1);
        }

        return ForwardSubject.IsMatch(subject) && HeaderLines.Match(text) is { Success: true } lines ? lines.Index : null;
    }
}
