using System.Globalization;
using System.Net;
using System.Text;

namespace Sendcat.UpstreamEmulator.Resend;

/// <summary>
/// The pages with the mails. All text is escaped; the HTML of a mail is in a sandboxed frame that loads nothing and runs no script.
/// </summary>
internal static class MailPages
{
    /// <summary>Forbids everything but the styles of the pages. The frame of a mail inherits it, so no mail loads an image.</summary>
    public const string ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

    private const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1c2126 }
        table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e3e6e8 }
        iframe { width: 100%; height: 16rem; border: 1px solid #e3e6e8; background: #fff } pre { white-space: pre-wrap; overflow-wrap: anywhere }
        @media (prefers-color-scheme: dark) { body { background: #15181b; color: #dde2e6 } th, td { border-color: #31373c } a { color: #8ab4f8 } }
        """;

    /// <summary>The list, the newest mail first. It reloads itself every two seconds.</summary>
    public static string List(IReadOnlyList<ReceivedMail> mails)
    {
        var rows = new StringBuilder();
        foreach (var mail in mails)
        {
            rows.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{mail.At:yyyy-MM-dd HH:mm:ss}<td>{Recipients(mail)}"
                    + $"<td><a href=\"/mail/{Encode(mail.Id)}\">{Encode(mail.Subject)}</a></tr>");
        }

        return Page(
            "Mails",
            "<meta http-equiv=\"refresh\" content=\"2\">",
            $"""
            <h1>Mails</h1><p>Mails that were sent to the emulated mail service. Nobody has received them.</p>
            <table><thead><tr><th>Time (UTC)<th>To<th>Subject</tr></thead><tbody>{rows}</tbody></table>
            """);
    }

    public static string Message(ReceivedMail mail)
    {
        var content = mail.Html is { } html
            ? "<iframe title=\"The mail\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" "
                + $"srcdoc=\"{Encode($"<base target=\"_blank\">{html}")}\"></iframe>"
            : "";
        return Page(
            mail.Subject,
            "",
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                <p><a href="/mail">All mails</a></p><h1>{Encode(mail.Subject)}</h1>
                <p>From {Encode(mail.From)}<br>To {Recipients(mail)}<br>{mail.At:yyyy-MM-dd HH:mm:ss} UTC</p>
                {content}<h2>Text</h2><pre>{Linked(mail.Text ?? "")}</pre>
                """));
    }

    /// <summary>The escaped text, in which words that are http or https addresses are links.</summary>
    private static string Linked(string text) => string.Join(
        '\n',
        text.Split('\n').Select(line => string.Join(' ', line.Split(' ').Select(word =>
            Uri.TryCreate(word, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
                ? $"<a href=\"{Encode(word)}\" target=\"_blank\" rel=\"noreferrer\">{Encode(word)}</a>"
                : Encode(word)))));

    private static string Page(string title, string head, string body) =>
        $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">{head}<title>{Encode(title)}</title><style>{Style}</style>{body}</html>";

    private static string Recipients(ReceivedMail mail) => Encode(string.Join(", ", mail.To));

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
