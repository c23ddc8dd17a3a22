using System.Globalization;

namespace Sendcat.ApiService.Threads.Export;

internal static class ExportFormats
{
    public static readonly IReadOnlyList<IExportFormat> All = [new MarkdownExport(), new JsonExport(), new TextExport(), new HtmlExport()];

    /// <summary>The format of this name, or null.</summary>
    /// <param name="name">Null or empty: markdown.</param>
    public static IExportFormat? Find(string? name) =>
        string.IsNullOrEmpty(name) ? All[0] : All.FirstOrDefault(format => format.Name == name);

    /// <summary>The title on one line; <c>Chat</c> for a thread without one.</summary>
    public static string TitleOf(ChatThread thread) =>
        string.IsNullOrWhiteSpace(thread.Title) ? "Chat" : thread.Title.ReplaceLineEndings(" ").Trim();

    public static string Speaker(ChatMessage message) => message.Role == "user" ? "You" : "Sendcat";

    public static string At(ChatMessage message) =>
        message.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
