namespace Sendcat.ApiService.Threads.Export;

/// <summary>One way to write a conversation down: a head, the messages, a tail.</summary>
internal interface IExportFormat
{
    string Name { get; }

    string ContentType { get; }

    string FileExtension { get; }

    string Head(ChatThread thread);

    string Line(ChatMessage message, bool isFirst);

    string Tail();
}
