using System.Globalization;
using System.Text;

namespace Sendcat.UpstreamEmulator.Gmail;

/// <summary>Mails of merchants that a person or a test can deliver without writing one.</summary>
internal static class SampleMails
{
    // Without ten equal digits in a row: such numbers count as placeholders and are no parcels.
    private const long FirstAmazonParcel = 300_123_456_000;
    private const long FirstSheinParcel = 10_203_040_500_000;

    public static IReadOnlyList<string> Names { get; } = ["amazon", "amazon-shipped", "shein", "shop", "newsletter", "letter"];

    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="to">The address of the mailbox.</param>
    /// <param name="number">Makes order and tracking numbers differ. The same number gives the order and its shipment.</param>
    /// <param name="at">The date of the mail.</param>
    /// <returns>Null for an unknown name.</returns>
    public static byte[]? Compose(string name, string to, int number, DateTimeOffset at) => name switch
    {
        "amazon" => Mail("auto-confirm@amazon.com", "Amazon.com", to, $"Your Amazon.com order {Amazon(number)}", at, $"""
            Hello,

            Thank you for shopping with us.

            Order #{Amazon(number)}
            Ship to: MB 4471, 7801 NW 37th St, Doral, FL

            * Stainless electric kettle, 1.7 L
            Quantity: 1

            Order Total: ${20 + (number % 80)}.99
            """),
        "amazon-shipped" => Mail("shipment-tracking@amazon.com", "Amazon.com", to, "Your package was shipped!", at, $"""
            Hello,

            Your package with Stainless electric kettle was shipped.

            Order #{Amazon(number)}
            Carrier: Amazon Logistics, tracking ID: TBA{FirstAmazonParcel + number:D12}

            Order Total: ${20 + (number % 80)}.99
            """),
        "shein" => Mail("noreply@sheinnotice.com", "SHEIN", to, "Your order has been shipped", at, string.Create(CultureInfo.InvariantCulture, $"""
            Hi,

            Order number: GSUTB{number:D9}
            2 Item(s) shipped
            Tracking number: GFUS{FirstSheinParcel + number:D14}
            Total: $31.40
            """)),
        "shop" => Mail("orders@island-lamps.example", "Island Lamps", to, $"Order confirmation {14000 + number}", at, $"""
            Thanks for your order!

            Order number: IL-{14000 + number}
            1 x Brass desk lamp
            Total: USD 48.50

            We ship to: 7801 NW 37th St, Doral, FL
            """),
        "newsletter" => Mail(
            "deals@amazon.com", "Amazon.com", to, "Deals of the week: save up to 40% off", at,
            "Our best deals end tonight. Save on everything.", "List-Unsubscribe: <https://www.amazon.com/unsubscribe>"),
        "letter" => Mail("gran@example.com", "Gran", to, "Sunday", at, "See you on Sunday. I bring the cake."),
        _ => null,
    };

    /// <summary>Puts the result of Gmail's check of the sender above a mail.</summary>
    public static byte[] Authenticated(byte[] raw, string domain) =>
        [
            .. Encoding.ASCII.GetBytes(
                $"Authentication-Results: mx.google.com; dkim=pass header.i=@{domain} header.s=s1; dmarc=pass header.from={domain}\r\n"),
            .. raw];

    private static string Amazon(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"114-{3_000_000 + (number / 10_000_000):D7}-{number % 10_000_000:D7}");

    private static byte[] Mail(
        string from, string name, string to, string subject, DateTimeOffset at, string text, params ReadOnlySpan<string> headers)
    {
        var domain = from[(from.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var mail = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"Delivered-To: {to}\n")
            .Append(CultureInfo.InvariantCulture, $"From: {name} <{from}>\nTo: {to}\nSubject: {subject}\n")
            .Append(
                CultureInfo.InvariantCulture,
                $"Date: {at.ToString("R", CultureInfo.InvariantCulture)}\nMessage-ID: <{Guid.NewGuid():N}@{domain}>\n");
        foreach (var header in headers)
        {
            mail.Append(header).Append('\n');
        }

        mail.Append("MIME-Version: 1.0\nContent-Type: text/plain; charset=\"utf-8\"\n\n").Append(text).Append('\n');
        return Authenticated(Encoding.UTF8.GetBytes(mail.ToString().ReplaceLineEndings("\r\n")), domain);
    }
}
