using System.Text;
using Sendcat.Integrations.Mail;

namespace Sendcat.UnitTests.Mail;

/// <summary>The text of a mail is what its reader sees.</summary>
public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("<p style='display:none'>secret</p>")]
    [InlineData("<p style='DISPLAY : none !important'>secret</p>")]
    [InlineData("<p hidden>secret</p>")]
    [InlineData("<p style='visibility:hidden'>secret</p>")]
    [InlineData("<p style='opacity:0'>secret</p>")]
    [InlineData("<p style='font-size:0'>secret</p>")]
    [InlineData("<p style='font-size:1px;line-height:1px'>secret</p>")]
    [InlineData("<p style='font:0/0 a'>secret</p>")]
    [InlineData("<p style='color:#ffffff'>secret</p>")]
    [InlineData("<font color=white>secret</font>")]
    [InlineData("<p style='color:rgb(254, 254, 250)'>secret</p>")]
    [InlineData("<table bgcolor='#003366'><tr><td style='color:#003368'>secret</td></tr></table>")]
    [InlineData("<p style='color:transparent'>secret</p>")]
    [InlineData("<div style='max-height:0;overflow:hidden'>secret</div>")]
    [InlineData("<div style='position:absolute;left:-9999px'>secret</div>")]
    [InlineData("<div style='text-indent:-9999px'>secret</div>")]
    [InlineData("<!-- secret -->")]
    [InlineData("<!--[if mso]><p>secret</p><![endif]-->")]
    [InlineData("<script>secret</script><style>secret</style><template>secret</template>")]
    [InlineData("<style>.a{display:none}</style><p class='b a'>secret</p>")]
    [InlineData("<style>/* x */ @import 'y'; p.a, #z { color: #fff }</style><p class='a'>secret</p><p id=z>secret</p>")]
    [InlineData("<div style='display:none'><p style='display:block'>secret</p></div>")]
    public void Hidden_text_is_not_read(string html) =>
        Assert.DoesNotContain("secret", Text($"<p>A visible line that is long enough to count</p>{html}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("<p style='color:#fff;background:#e47911'>shown</p>")]
    [InlineData("<table bgcolor=black><tr><td style='color:white'>shown</td></tr></table>")]
    [InlineData("<div style='font-size:0'><span style='font-size:14px'>shown</span></div>")]
    [InlineData("<style>@media (max-width:600px){.d{display:none}}</style><p class=d>shown</p>")]
    [InlineData("<div style='background-image:url(x.png);color:#fff'><p style='background:url(y.png)'>shown</p></div>")]
    [InlineData("<p aria-hidden=true>shown</p>")]
    [InlineData("<p style='color:#767676'>shown</p>")]
    public void Visible_text_is_read(string html) => Assert.Contains("shown", Text(html), StringComparison.Ordinal);

    [Fact]
    public void Characters_without_width_do_not_split_words() =>
        Assert.Contains(
            "TBA402117735509", Text("<p>TBA4021&#8203;177&shy;35&zwnj;509 \u202Eand more text here</p>"), StringComparison.Ordinal);

    [Fact]
    public void Rows_are_lines_and_cells_are_words() =>
        Assert.Equal(
            "Order total $12.00\nThank you for it, dear Winsome Test",
            Text("<table><tr><td>Order total</td><td>$12.00</td></tr></table><div>Thank you <b>for</b>\n it, dear Winsome Test</div>"));

    [Theory]
    [InlineData("iso-8859-1", "déjà vu, a text of more than forty characters")]
    [InlineData("windows-1252", "“smart” € déjà, a text of more than forty chars")]
    [InlineData("koi8-r", "Заказ отправлен, и это довольно длинный текст письма")]
    [InlineData("shift_jis", "ご注文ありがとうございます。またのお越しをお待ちしております。発送までしばらくお待ちください。")]
    [InlineData("iso-2022-jp", "ご注文ありがとうございます。またのお越しをお待ちしております。発送までしばらくお待ちください。")]
    [InlineData("gb18030", "您的订单已发货，运单号在下面，请查收，谢谢惠顾，欢迎再次光临本店，祝您生活愉快，再见。朋友们好")]
    [InlineData("euc-kr", "주문하신 상품이 발송되었습니다. 운송장 번호를 확인하세요. 감사합니다. 다시 찾아 주세요.")]
    [InlineData("big5", "您的訂單已經出貨，請留意物流單號，謝謝您的惠顧，歡迎再次光臨，祝您生活愉快，期待再相見。")]
    public void Charsets_of_the_world_are_decoded(string charset, string text)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        byte[] raw = [.. Encoding.ASCII.GetBytes(
            $"From: a@b.example\nContent-Type: text/plain; charset={charset}\n\n"), .. Encoding.GetEncoding(charset).GetBytes(text)];

        Assert.EndsWith(text, MailReader.Read(raw).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("text/plain; charset=us-ascii")]
    [InlineData("text/plain; charset=iso-8859-1")]
    [InlineData("text/plain; charset=no-such-charset")]
    public void Unlabelled_and_mislabelled_UTF8_is_decoded(string type) =>
        Assert.EndsWith(
            "Café Crème – 5 €",
            MailReader.Read(Encoding.UTF8.GetBytes($"From: a@b.example\nContent-Type: {type}\n\nCafé Crème – 5 €")).Text,
            StringComparison.Ordinal);

    [Fact]
    public void The_HTML_part_counts_unless_it_is_a_frame_around_pictures()
    {
        Assert.Contains(
            "the long HTML text that the reader of this mail sees",
            Alternative("short plain text that says something else", "<p>the long HTML text that the reader of this mail sees</p>"),
            StringComparison.Ordinal);
        Assert.Contains(
            "Order 77 is confirmed, and its total is $5.00",
            Alternative("Order 77 is confirmed, and its total is $5.00", "<img src='cid:1'>"), StringComparison.Ordinal);

        static string Alternative(string plain, string html) => MailReader.Read(Encoding.UTF8.GetBytes(
            $"From: a@b.example\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\n{plain}\n--B\nContent-Type: text/html\n\n{html}\n--B--\n")).Text;
    }

    private static string Text(string html) =>
        MailReader.Read(
            Encoding.UTF8.GetBytes(
                $"From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n<html><body>{html}</body></html>")).Text.TrimStart('\n');
}
