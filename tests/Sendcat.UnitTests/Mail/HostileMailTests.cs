using System.Text;
using CsCheck;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Html;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.UnitTests.Mail;

/// <summary>
/// No parser throws, and none needs more than linear time: an input of 1 MiB that took quadratic time would not end here.
/// </summary>
public sealed class HostileMailTests(ITestOutputHelper output)
{
    private const int Size = 1024 * 1024;

    private static readonly IReadOnlyList<CorpusMail> Mails = [.. CorpusMail.Load("development"), .. CorpusMail.Load("held-out")];

    public static TheoryData<PathologicalText> Pathological => [.. PathologicalText.All];

    [Theory]
    [MemberData(nameof(Pathological))]
    public void A_mail_of_one_mebibyte_is_read(PathologicalText text)
    {
        foreach (var type in PathologicalText.Types)
        {
            var raw = text.Mail(type);
            var began = System.Diagnostics.Stopwatch.GetTimestamp();

            var mail = MailReader.Read(raw);
            var read = System.Diagnostics.Stopwatch.GetElapsedTime(began);
            Use(mail);

            var all = System.Diagnostics.Stopwatch.GetElapsedTime(began);
            output.WriteLine($"{text.Name} as {type}: read in {read.TotalMilliseconds:0} ms, all in {all.TotalMilliseconds:0} ms");
            Assert.Equal(MailDefects.None, mail.Defects & MailDefects.Unreadable);
            Assert.InRange(mail.Text.Length, 0, MailReader.MaxTextChars + 1_002);
        }
    }

    /// <summary>HTML that costs a parser its length times something. It was counted as ordinary by its text.</summary>
    public static TheoryData<string, string, string, int, string> Costly => new()
    {
        { "end tags in comments", "", "<div><!--</div>-->", 2_000, "" },
        { "end tags in quotes", "", "<div><a title='</div>'></a>", 2_000, "" },
        { "end tags in raw text", "", "<div><style></div></style>", 2_000, "" },
        { "end tags behind a boundary", "", "<div><marquee></div></marquee>", 2_000, "" },
        { "end tags in a list of choices", "", "<div><select></div></select>", 2_000, "" },
        { "cells in a drawing", "<svg>", "<td>", 20_000, "</zz>" },
        { "entries in entries", "", "<li><dd>", 2_000, "" },
        { "entries in entries behind the body", "<p></body><!-- -->", "<li><dd>", 2_000, "" },
        { "entries in entries before a table", "<table>", "<li><dd>", 2_000, "" },
        { "entries in entries in a template", "<template>", "<li><dd>", 2_000, "" },
        { "formatting that is opened again", $"<p>{Formatting}", "<p>x", 5_000, "" },
        { "formatting that is opened again before a table", $"<table><p>{Formatting}", "x<tr>", 5_000, "" },
        { "elements before a table", "<table>", "<br>", 30_000, "" },
    };

    private static string Formatting => string.Concat(Enumerable.Range(0, 280).Select(n => $"<b id={n}>"));

    [Theory]
    [MemberData(nameof(Costly))]
    public void Html_that_costs_more_than_its_length_is_read_as_text(string name, string start, string piece, int times, string end)
    {
        var (pieces, ends) = (string.Concat(Enumerable.Repeat(piece, times)), string.Concat(Enumerable.Repeat(end, 1_000)));
        var html = $"{start}{pieces}{ends}Order 77 is confirmed";

        var mail = MailReader.Read(Encoding.UTF8.GetBytes($"From: a@amazon.com\nContent-Type: text/html\n\n{html}"));

        Assert.True(mail.Defects.HasFlag(MailDefects.OddHtml), name);
        Assert.EndsWith("Order 77 is confirmed", mail.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mails_attached_to_a_mail_share_its_budget()
    {
        var page = string.Concat(Enumerable.Repeat("<br>", 30_000));
        var attached = string.Concat(
            Enumerable.Repeat($"--b\nContent-Type: message/rfc822\n\nFrom: a@shop.example\nContent-Type: text/html\n\n{page}\n", 5));

        var mail = MailReader.Read(
            Encoding.UTF8.GetBytes($"From: a@home.example\nContent-Type: multipart/mixed; boundary=b\n\n{attached}--b--\n"));

        Assert.Equal([false, false, false, true, true], mail.Originals.Select(original => original.Defects.HasFlag(MailDefects.OddHtml)));
    }

    [Fact]
    public void Markup_with_a_name_that_is_no_text_is_read_without_it()
    {
        const string Html = """
            <script type="application/ld+json">{"\ud800 of another":1,"@type":"Order","\udfff":{"a":1},"orderNumber":"CB900412"}</script>Thank you for your order.
            """;

        var mail = MailReader.Read(Encoding.UTF8.GetBytes($"From: a@amazon.com\nContent-Type: text/html\n\n{Html}"));

        Assert.Equal("CB900412", Assert.Single(mail.Markup).Text("orderNumber"));
        Assert.Contains("Thank you", mail.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_of_one_mebibyte_are_read()
    {
        foreach (var header in (string[])
            [
                "Received: x\n", "Subject: =?utf-8?q?a?= ", "From: a@b.example, ", "References: <a@b> ",
                "Authentication-Results: mx.google.com; dkim=pass (((", "Content-Type: multipart/mixed; boundary=b; ",
            ])
        {
            Use(MailReader.Read(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(header, (Size / header.Length) + 1)) + "\n\nbody")));
        }
    }

    [Fact]
    public void Parts_in_parts_are_read_to_a_limit() =>
        Use(
            MailReader.Read(
                Encoding.UTF8.GetBytes(
                    string.Concat(Enumerable.Range(0, 5_000).Select(n => $"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")))));

    [Fact]
    public void Truncated_mails_are_read() =>
        Gen.Select(Gen.Int[0, Mails.Count - 1], Gen.Double[0, 1])
            .Sample((mail, share) => Use(MailReader.Read(Mails[mail].Raw.AsMemory(0, (int)(share * Mails[mail].Raw.Length)))), iter: 300);

    [Fact]
    public void Changed_mails_are_read() =>
        Gen.Select(Gen.Int[0, Mails.Count - 1], Gen.Select(Gen.Double[0, 1], Gen.Byte).Array[1, 40]).Sample((mail, changes) =>
        {
            var raw = Mails[mail].Raw.ToArray();
            foreach (var (place, value) in changes)
            {
                raw[(int)(place * (raw.Length - 1))] = value;
            }

            Use(MailReader.Read(raw));
        }, iter: 300);

    [Fact]
    public void Any_bytes_are_read() => Gen.Byte.Array[0, 4_000].Sample(bytes => Use(MailReader.Read(bytes)), iter: 200);

    [Fact]
    public void Any_text_is_searched() =>
        Gen.OneOf(Gen.Char, Gen.Char["0123456789 -:#$.,TBA1Zorderkig"]).Array[0, 400].Select(letters => new string(letters)).Sample(text =>
        {
            Use(MailReader.OfUserText(text));
            TrackingFormats.CandidatesOf(text);
            TrackingLinks.NumbersIn($"https://www.ups.com/track?tracknum={text}");
            _ = HtmlReading.Of(text, 1_000, new HtmlBudget());
            _ = PriceTexts.Number(text);
        }, iter: 500);

    /// <summary>Everything that is found lies inside of the text.</summary>
    private static void Use(ReadMail mail)
    {
        foreach (var source in mail.Originals.Append(mail))
        {
            Assert.All(TrackingNumbers.Find(source.Text), match => Assert.InRange(match.Start + match.Length, 1, source.Text.Length));
            Assert.All(PriceTexts.Find(source.Text, "us"), match => Assert.InRange(match.Start + match.Length, 1, source.Text.Length));
            _ = Totals.Find(source.Text, "us");
            _ = Sendcat.Integrations.Mail.Merchants.MarkupOrders.Read(source);
            _ = Sendcat.Integrations.Mail.Merchants.MerchantParser.Parse(
                Sendcat.Integrations.Mail.Merchants.Merchant.Amazon, source, [], "us");
            _ = Sendcat.Integrations.Mail.Orders.MailTopics.Of(source.Subject, source.Text, hasKey: true, isBulk: false);
        }
    }
}
