using System.Text.RegularExpressions;

namespace Sendcat.ApiService.Threads.Export;

/// <summary>Messages already are Markdown, so they are written unchanged. Texts of shops and file names are not, and are escaped.</summary>
internal sealed partial class MarkdownExport : IExportFormat
{
    public string Name => "markdown";

    public string ContentType => "text/markdown; charset=utf-8";

    public string FileExtension => "md";

    public string Head(ChatThread thread) => $"# {ExportFormats.TitleOf(thread)}\n";

    public string Line(ChatMessage message, bool isFirst) =>
        $"\n## {ExportFormats.Speaker(message)} · {ExportFormats.At(message)}\n"
        + (string.IsNullOrEmpty(message.ReasoningContent) ? "" : $"\n> Reasoning: {message.ReasoningContent.ReplaceLineEndings("\n> ")}\n")
        + $"\n{message.Content}\n"
        + List("Files", ExportedPart.FilesOf(message))
        + List("Products", ExportedPart.ProductsOf(message))
        + List("Sources", ExportedPart.SourcesOf(message))
        + (ExportedPart.StatusOf(message) is { } status ? $"\n*{status}*\n" : "");

    public string Tail() => "";

    private static string List(string head, IEnumerable<ExportedPart> parts) =>
        string.Concat(parts.Select(part => $"* {Special().Replace(part.ToString(), @"\$0")}\n")) is { Length: > 0 } items
            ? $"\n{head}:\n\n{items}"
            : "";

    [GeneratedRegex(@"[\\`*_{}\[\]<>()#|!~]", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Special();
}
