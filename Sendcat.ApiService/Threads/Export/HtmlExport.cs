using System.Net;

namespace Sendcat.ApiService.Threads.Export;

/// <summary>All text of users and models is escaped. The page contains no link and no script, and loads nothing.</summary>
internal sealed class HtmlExport : IExportFormat
{
    public string Name => "html";

    public string ContentType => "text/html; charset=utf-8";

    public string FileExtension => "html";

    public string Head(ChatThread thread)
    {
        var title = WebUtility.HtmlEncode(ExportFormats.TitleOf(thread));
        return $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>{{title}}</title>
            <style>body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;font:inherit}h2{font-size:1rem;color:#555}</style>
            </head>
            <body>
            <h1>{{title}}</h1>

            """;
    }

    public string Line(ChatMessage message, bool isFirst) =>
        $"<section><h2>{ExportFormats.Speaker(message)} · {ExportFormats.At(message)}</h2>"
        + (string.IsNullOrEmpty(message.ReasoningContent)
            ? ""
            : $"<details><summary>Reasoning</summary><pre>{WebUtility.HtmlEncode(message.ReasoningContent)}</pre></details>")
        + $"<pre>{WebUtility.HtmlEncode(message.Content)}</pre>"
        + List("Files", ExportedPart.FilesOf(message))
        + List("Products", ExportedPart.ProductsOf(message))
        + List("Sources", ExportedPart.SourcesOf(message))
        + (ExportedPart.StatusOf(message) is { } status ? $"<p><em>{status}</em></p>" : "")
        + "</section>\n";

    private static string List(string head, IEnumerable<ExportedPart> parts) =>
        string.Concat(parts.Select(part => $"<li>{WebUtility.HtmlEncode(part.ToString())}</li>")) is { Length: > 0 } items
            ? $"<p>{head}</p><ul>{items}</ul>"
            : "";

    public string Tail() => "</body>\n</html>\n";
}
