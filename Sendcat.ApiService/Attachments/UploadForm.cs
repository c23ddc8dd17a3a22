using Microsoft.AspNetCore.Http.Features;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Reads the body of an upload: <c>multipart/form-data</c> with one file in the field <c>file</c>, and optionally <c>sessionId</c>. A file
/// above 64 KiB is buffered on disk, so slow uploads take no memory.
/// </summary>
internal static class UploadForm
{
    public const string FileField = "file";
    public const string SessionField = "sessionId";

    /// <summary>The most bytes of the body beside the file: boundaries, headers and other fields.</summary>
    private const int Overhead = 16 * 1024;

    /// <summary>Checks what is known before the body arrives.</summary>
    /// <returns>415 or 413; null when the body may be read.</returns>
    public static ApiError? Check(HttpRequest request, int maxBytes) =>
        !request.HasFormContentType
            || request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) is not true
                ? ApiError.UnsupportedMediaType("Content-Type must be multipart/form-data")
        : request.ContentLength > maxBytes + Overhead ? ApiError.PayloadTooLarge(maxBytes)
        : null;

    /// <param name="maxBytes">The most bytes of the file.</param>
    /// <returns>The form; 413 for a file that is too large, 400 for a malformed body.</returns>
    public static async Task<Outcome<UploadedForm>> ReadAsync(HttpContext http, int maxBytes, CancellationToken cancellationToken)
    {
        // A limit of the server would reset the connection.
        http.Request.Body = new LimitedBody(http.Request.Body, maxBytes + Overhead);
        var form = new FormFeature(
            http.Request,
            new FormOptions { ValueCountLimit = 16, KeyLengthLimit = 100, ValueLengthLimit = 4_096, MultipartHeadersLengthLimit = 8_192 });
        http.Features.Set<IFormFeature>(form);
        try
        {
            return Check(await form.ReadFormAsync(cancellationToken), maxBytes);
        }
        catch (BadHttpRequestException tooLarge) when (tooLarge.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ApiError.PayloadTooLarge(maxBytes);
        }
        catch (InvalidDataException)
        {
            return ApiError.InvalidRequest("The body is not valid multipart/form-data");
        }
        catch (IOException ended) when (
            !cancellationToken.IsCancellationRequested && ended is not Microsoft.AspNetCore.Connections.ConnectionResetException)
        {
            // The body ended before its last boundary.
            return ApiError.InvalidRequest("The body is not valid multipart/form-data");
        }
    }

    private static Outcome<UploadedForm> Check(IFormCollection form, int maxBytes) =>
        form.Files is not [{ Name: FileField } file] ? ApiError.InvalidRequest("The form must have exactly one file, in the field file")
        : file.Length > maxBytes ? ApiError.PayloadTooLarge(maxBytes)
        : new UploadedForm(file, form[SessionField]);
}

/// <param name="SessionId">The anonymous session in the form; null: none.</param>
internal sealed record UploadedForm(IFormFile File, string? SessionId);
