namespace Sendcat.ApiService.Threads.Export;

/// <summary>Messages already are Markdown, so they are written unchanged.</summary>
internal sealed class MarkdownExport : IExportFormat
{
    public string Name => "markdown";

    public string ContentType => "text/markdown; charset=utf-8";

    public string FileExtension => "md";

    public string Head(ChatThread thread) => $"# {ExportFormats.TitleOf(thread)}\n";

    public string Line(ChatMessage message, bool isFirst) => $"\n## {ExportFormats.Speaker(message)} · {ExportFormats.At(message)}\n\n{message.Content}\n";

    public string Tail() => "";
}
