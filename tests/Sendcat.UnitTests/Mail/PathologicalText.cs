using System.Text;

namespace Sendcat.UnitTests.Mail;

/// <summary>A text that costs a careless reader more than linear time: a beginning and a piece that is repeated to 1 MiB.</summary>
public sealed record PathologicalText(string Name, string Start, string Piece)
{
    private const int Size = 1024 * 1024;

    /// <summary>The media types as which a text is read.</summary>
    public static readonly IReadOnlyList<string> Types = ["text/html", "text/plain"];

    public static readonly IReadOnlyList<PathologicalText> All =
    [
        new("nested elements", "", "<div>"),
        new("nested formatting", "", "<b><i><u><a href=x>"),
        new("formatting across paragraphs", "", "<p><b id=1><p><i id=2>"),
        new("nested tables", "", "<table><tr><td>"),
        new("wrong end tags", "", "</b></i></table><b>"),
        new("attributes", "<a ", "b=c "),
        new("quotes without end", "<a href=\"", "x\" '"),
        new("comments without end", "<p>x", "<!-- x -- "),
        new("entities", "<p>", "&amp;&#x41;&notit;&"),
        new("style rules", "<style>", ".a{color:#fff}"),
        new("open brackets of styles", "<style>", "@media{"),
        new("style declarations", "<p style=\"", "color:#fff;font-size:0;"),
        new("nested markup", "<script type='application/ld+json'>", "{\"a\":["),
        new("nested items", "", "<div itemscope itemprop=a itemtype=Order>"),
        new("digits", "Tracking number: ", "1"),
        new("numbers", "Tracking numbers: ", "123456789012 "),
        new("labels", "", "tracking number order total: "),
        new("amounts", "Total ", "$1.00 "),
        new("forward marks", "", "\n---------- Forwarded message ---------\nFrom: a <a@amazon.com>"),
        new("order numbers", "", "111-1111111-1111111 orderID="),
        new("groups of digits", "Tracking number: ", "1234 "),
        new("groups of letters", "Tracking number: ", "x "),
        new("groups of letters and digits", "Tracking number: ", "x1 "),
        new("groups that begin as numbers do", "Tracking number: ", "JJD 12 "),
        new("digits with wrong check digits", "Tracking number: ", "1 3 "),
        new("lines of senders", "", "From: a@amazon.com\n"),
        new("short lines", "", "some words<br>\n"),
        new("shortest lines", "", "x\n"),
        new("short lines of orders", "", "111-1111111-1111111\nx\ny\nz\n"),
        new("items", "Order 111-1111111-1111111\n", "- a thing\nQty: 1\n"),
        new("quoted replies", "", "> > > some words that somebody wrote\n"),
        new("rows of tables", "<table>", "<tr><td>some words</td><td>$1.00</td></tr>"),
        new(
            "values inside of values",
            "<div itemscope itemtype=Order>" + string.Concat(Enumerable.Repeat("<b itemprop=a>", 200)), "some words "),
    ];

    /// <summary>An ordinary text of the same size: what the reading of 1 MiB costs.</summary>
    public static readonly PathologicalText Ordinary = new(
        "ordinary", "",
        "<p>Thank you for your purchase. Your parcel leaves our warehouse in Miami on Thursday, and a courier brings it to you.</p>\n");

    /// <summary>The text as the only part of a mail.</summary>
    public byte[] Mail(string type)
    {
        var body = Start + string.Concat(Enumerable.Repeat(Piece, (Size / Piece.Length) + 1))[..Size];
        return Encoding.UTF8.GetBytes($"From: a@shop.example\nSubject: Fw: Order\nContent-Type: {type}; charset=utf-8\n\n{body}");
    }

    public override string ToString() => Name;
}
