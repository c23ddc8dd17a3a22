using System.Globalization;
using System.Text;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.UnitTests.Mail;

/// <summary>
/// The work of the reader grows with the length of a mail and not faster. It is counted as memory that the reader allocates, which does
/// not depend on the machine: a reader that looks at the rest of the text for each line, or copies it for each element, allocates by the
/// square. What searches without allocating is banned where it is known (BannedSymbols.Services.txt).
/// </summary>
public sealed class MailWorkTests
{
    /// <summary>A mail with twice the lines may need so many times the memory.</summary>
    private const double MostGrowth = 2.6;

    /// <summary>For all lengths alike: caches, and what lists allocate beyond their length.</summary>
    private const long Fixed = 512 * 1024;

    public static TheoryData<string, string, string> Shapes => new()
    {
        { "paragraphs", "text/html", "<p>Your parcel leaves our warehouse on Thursday.</p>" },
        { "short lines of HTML", "text/html", "x<br>" },
        { "short lines", "text/plain", "x\n" },
        { "lines of orders", "text/plain", "Order 111-#######-1111111\nx\ny\n" },
        { "items of orders", "text/plain", "Order 111-#######-1111111\n- a thing\nQty: 1\n" },
        { "parcels of orders", "text/plain", "Order 111-#######-1111111\nTotal: $1.00\nTracking TBA###########\n" },
        { "quoted replies", "text/plain", "> > > some words that somebody wrote\n" },
        { "rows of tables", "text/html", "<table><tr><td>some words</td><td>$1.00</td></tr></table>" },
        { "links", "text/html", "<a href='https://shop.example/#######'>order</a> " },
        { "entities", "text/html", "&amp;&#x41;&notit; " },
        { "one long line", "text/plain", "some words " },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_work_grows_with_the_length(string name, string type, string piece)
    {
        var (shorter, longer) = (Mail(type, piece, 1_000), Mail(type, piece, 2_000));
        Read(longer);

        var (once, twice) = (Allocated(shorter), Allocated(longer));

        Assert.True(twice <= (MostGrowth * once) + Fixed, $"{name}: {once:N0} bytes, then {twice:N0}");
    }

    [Fact]
    public void Values_inside_of_values_do_not_copy_the_text_for_each_of_them()
    {
        var words = string.Concat(Enumerable.Repeat("some words ", 5_000));
        var (one, many) = (Nested(1), Nested(200));
        Read(many);

        var (once, times) = (Allocated(one), Allocated(many));

        // 4 096 characters of each value are in memory five times: twice while they are collected, as text, as words, and joined again.
        Assert.True(times <= once + (200 * 48 * 1024), $"{once:N0} bytes with one value, {times:N0} with 200");

        byte[] Nested(int depth) => Encoding.UTF8.GetBytes(
            "From: a@amazon.com\nContent-Type: text/html\n\n<div itemscope itemtype=Order>"
            + $"{string.Concat(Enumerable.Repeat("<b itemprop=a>", depth))}{words}");
    }

    /// <summary>Each word may begin a number of up to twelve words. A number is written only when a format fits.</summary>
    [Theory]
    [InlineData("x1 ")]
    [InlineData("JJD 12 ")]
    [InlineData("1 3 ")]
    public void Words_that_make_no_tracking_number_are_listed_and_not_copied(string piece)
    {
        const int Words = 20_000;
        var text = string.Concat(Enumerable.Repeat(piece, Words / piece.Trim().Split(' ').Length));
        _ = TrackingNumbers.Find(text);

        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = TrackingNumbers.Find(text);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // A list of them, which grows by doubling: at most four times 8 bytes for each.
        Assert.InRange(allocated, 0, (Words * 32) + (64 * 1024));
    }

    private static byte[] Mail(string type, string piece, int times) => Encoding.UTF8.GetBytes(
        $"From: a@amazon.com\nSubject: Fw: Order\nContent-Type: {type}; charset=utf-8\n\n"
        + string.Concat(Enumerable.Range(0, times).Select(n => piece
            .Replace("###########", n.ToString("D11", CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("#######", n.ToString("D7", CultureInfo.InvariantCulture), StringComparison.Ordinal))));

    private static long Allocated(byte[] raw)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read(raw);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Read(byte[] raw)
    {
        var mail = MailReader.Read(raw);
        _ = MarkupOrders.Read(mail);
        _ = MerchantParser.Parse(Merchant.Amazon, mail, TrackingNumbers.Find(mail.Text), "us");
        _ = Totals.Find(mail.Text, "us");
        _ = MailTopics.Of(mail.Subject, mail.Text, hasKey: true, isBulk: false);
    }
}
