namespace Sendcat.ApiService.Threads.Export;

internal sealed class TextExport : IExportFormat
{
    public string Name => "text";

    public string ContentType => "text/plain; charset=utf-8";

    public string FileExtension => "txt";

    public string Head(ChatThread thread) => $"{ExportFormats.TitleOf(thread)}\n";

    public string Line(ChatMessage message, bool isFirst) =>
        $"\n[{ExportFormats.At(message)}] {ExportFormats.Speaker(message)}:\n"
        + (string.IsNullOrEmpty(message.ReasoningContent) ? "" : $"(Reasoning: {message.ReasoningContent})\n")
        + $"{message.Content}\n"
        + string.Concat(ExportedPart.FilesOf(message).Select(file => $"File: {file}\n"))
        + string.Concat(ExportedPart.ProductsOf(message).Select(product => $"Product: {product}\n"))
        + string.Concat(ExportedPart.SourcesOf(message).Select(page => $"Source: {page}\n"))
        + (ExportedPart.StatusOf(message) is { } status ? $"({status})\n" : "");

    public string Tail() => "";
}
