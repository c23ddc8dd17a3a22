using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Threads.Export;

/// <summary>A product, file or web source of a message, as the text formats name it.</summary>
/// <param name="Detail">Price or media type; empty: unknown.</param>
/// <param name="Address">A web address; null: there is none.</param>
internal sealed record ExportedPart(string Title, string Detail, string? Address)
{
    public static IEnumerable<ExportedPart> ProductsOf(ChatMessage message) =>
        Objects(message.Products).Select(
            product => new ExportedPart(product.Text("title") ?? "Product", product.Text("price") ?? "", product.Address("url")));

    public static IEnumerable<ExportedPart> FilesOf(ChatMessage message) =>
        Objects(message.Attachments).Select(
            file => new ExportedPart(file.Text("name") ?? "File", file.Text("type") ?? "", file.Address("url")));

    public static IEnumerable<ExportedPart> SourcesOf(ChatMessage message) =>
        Objects(message.Sources).Select(source => new ExportedPart(source.Text("title") ?? "Page", "", source.Address("link", "url")));

    /// <summary>What became of the message, if it was not completed; null otherwise.</summary>
    public static string? StatusOf(ChatMessage message) => message.Status switch
    {
        "aborted" => "Stopped before its end",
        "error" => "Ended by an error",
        _ => null,
    };

    /// <summary>Title, detail and address on one line.</summary>
    public override string ToString() =>
        string.Join(
            " · ", new[] { Title.ReplaceLineEndings(" "), Detail.ReplaceLineEndings(" "), Address ?? "" }.Where(part => part.Length > 0));

    private static IEnumerable<JsonElement> Objects(JsonElement? list) =>
        list is { ValueKind: JsonValueKind.Array } array
            ? array.EnumerateArray().Where(item => item.ValueKind is JsonValueKind.Object)
            : [];
}
