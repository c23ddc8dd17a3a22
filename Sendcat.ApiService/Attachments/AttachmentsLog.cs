namespace Sendcat.ApiService.Attachments;

/// <summary>Event ids 1700–1799. Names of files are not logged.</summary>
internal static partial class AttachmentsLog
{
    [LoggerMessage(1700, LogLevel.Warning, "Security: {Principal} was denied access to an attachment in {Function}")]
    public static partial void AttachmentRefused(this ILogger logger, string principal, string function);

    [LoggerMessage(1701, LogLevel.Warning, "Failed upload {AttachmentId} not withdrawn ({Cause}); it is deleted later")]
    public static partial void UploadNotWithdrawn(this ILogger logger, Guid attachmentId, string cause);

    [LoggerMessage(1703, LogLevel.Warning, "{Count} files of a refused message not deleted ({Cause}); they are deleted later")]
    public static partial void FilesNotDiscarded(this ILogger logger, int count, string cause);
}
