namespace Sendcat.ApiService.Chat.Record;

/// <summary>The states of a message and of a turn.</summary>
internal static class MessageStatus
{
    public const string Streaming = "streaming";
    public const string Completed = "completed";
    public const string Error = "error";
    public const string Aborted = "aborted";
}
