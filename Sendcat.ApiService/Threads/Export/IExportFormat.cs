namespace Sendcat.ApiService.Threads.Export;

/// <summary>An export format of a thread: a head, one text per message, and a tail.</summary>
internal interface IExportFormat
{
    string Name { get; }

    string ContentType { get; }

    string FileExtension { get; }

    string Head(ChatThread thread);

    string Line(ChatMessage message, bool isFirst);

    string Tail();
}
