namespace Sendcat.ApiService.Threads.Export;

internal sealed class TextExport : IExportFormat
{
    public string Name => "text";

    public string ContentType => "text/plain; charset=utf-8";

    public string FileExtension => "txt";

    public string Head(ChatThread thread) => $"{ExportFormats.TitleOf(thread)}\n";

    public string Line(ChatMessage message, bool isFirst) => $"\n[{ExportFormats.At(message)}] {ExportFormats.Speaker(message)}:\n{message.Content}\n";

    public string Tail() => "";
}
