namespace Sendcat.ApiService.Threads;

/// <summary>
/// A message names an attachment. A trigger on the table messages maintains the rows; an attachment is deleted with its last one.
/// </summary>
internal sealed class MessageFile
{
    public required Guid MessageId { get; init; }

    public required Guid AttachmentId { get; init; }
}
