using System.Text.Json;
using Spectre.Console;

namespace Sendcat.Monitor.Chat;

/// <summary>A product or a search result as one line: title, price or snippet, seller or source, link.</summary>
internal sealed record ToolRow(string Title, string Price, string Seller, string Link)
{
    public IReadOnlyList<string> Cells => [Title, Price, Seller, Link];

    /// <summary>
    /// The rows of a tool output: the output itself when it is an array, or the first array in an object. Any other output has no rows.
    /// </summary>
    public static IReadOnlyList<ToolRow> Read(JsonElement output)
    {
        var list = output.ValueKind == JsonValueKind.Object
            ? output.EnumerateObject().Select(p => p.Value).FirstOrDefault(v => v.ValueKind == JsonValueKind.Array)
            : output;
        return list.ValueKind != JsonValueKind.Array ? [] : [.. list.EnumerateArray().Where(e => e.Text("title") is not null).Select(One)];
    }

    public static Table Table(IReadOnlyList<ToolRow> rows)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("Title").AddColumn(new TableColumn("Price").RightAligned())
            .AddColumn("From");
        foreach (var row in rows)
        {
            table.AddRow(Cell(row.Title, row.Link), Cell(row.Price, null), Cell(row.Seller, null));
        }

        return table;
    }

    private static ToolRow One(JsonElement item) => new(
        item.Text("title")!,
        item.Text("price") ?? item.Text("snippet") ?? "",
        item.Text("merchantName") ?? item.Text("sellerName") ?? item.Text("source") ?? "",
        item.Text("productUrl") ?? item.Text("url") ?? item.Text("link") ?? "");

    private static Markup Cell(string text, string? link)
    {
        var clean = Markup.Escape(string.Concat(text.Where(c => !char.IsControl(c))));
        var isLink = Uri.TryCreate(link, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";
        return new(isLink ? $"[link={Markup.Escape(uri!.AbsoluteUri)}]{clean}[/]" : clean);
    }
}
