using System.Net.Mime;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Files;

namespace Sendcat.ApiService.Attachments;

/// <summary><c>/api/attachments</c>. A foreign, a missing and a malformed id get the same response.</summary>
internal static class AttachmentEndpoints
{
    public const string Path = "/api/attachments";

    /// <returns>The id in the path of an attachment; null for any other text.</returns>
    public static string? IdIn(string path) => path.StartsWith(Path + "/", StringComparison.Ordinal) ? path[(Path.Length + 1)..] : null;

    public static void MapAttachmentEndpoints(this IEndpointRouteBuilder app)
    {
        var attachments = app.MapGroup(Path).WithTags("Attachments");
        attachments.MapPost("", UploadAsync).RequireLimit(RequestBudget.Upload)
            .As("attachments.upload", "Upload an image or a PDF for a message", 400, 401, 409, 413, 415, 429, 503)
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                operation.RequestBody = Body();
                return Task.CompletedTask;
            });
        attachments.MapMethods("/{id}", [HttpMethods.Head], ReadAsync).ExcludeFromDescription();
        attachments.MapGet("/{id}", ReadAsync)
            .Produces<Stream>(StatusCodes.Status200OK, "application/octet-stream")
            .As("attachments.get", "The content of an attachment", 401, 403, 503);
        attachments.MapDelete("/{id}", DeleteAsync).RequireLimit(RequestBudget.Writing)
            .As("attachments.remove", "Delete an attachment and its content", 401, 403, 429);
    }

    private static async Task<Results<Created<AttachmentView>, ApiError>> UploadAsync(
        HttpContext http, Principals principals, RequestLimits limits, Uploads uploads, IOptionsMonitor<AttachmentOptions> options,
        CancellationToken cancellationToken)
    {
        var maxBytes = options.CurrentValue.MaxBytes;
        if (UploadForm.Check(http.Request, maxBytes) is { } wrong)
        {
            return wrong;
        }

        // A caller that names itself in a header is checked before its body is read.
        var (principal, refusal) = ((Principal?)null, (ApiError?)null);
        if (Principals.NamesCaller(http) && !principals.Read(http).TryGet(out principal, out refusal))
        {
            return refusal;
        }

        if (!(await UploadForm.ReadAsync(http, maxBytes, cancellationToken)).TryGet(out var form, out refusal)
            || (principal is null && !principals.Read(http, form.SessionId).TryGet(out principal, out refusal)))
        {
            return refusal;
        }

        if (await limits.RefusalAsync(http, RequestBudget.Upload, principal.Key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        await using var content = form.File.OpenReadStream();
        return (await uploads.StoreAsync(principal, form.File.FileName, content, cancellationToken)).TryGet(out var attachment, out refusal)
            ? TypedResults.Created($"{Path}/{attachment.Id}", AttachmentView.Of(attachment))
            : refusal;
    }

    private static async Task<IResult> ReadAsync(
        HttpContext http, string id, Principals principals, OwnedAttachments attachments, IFileStore store,
        ILogger<OwnedAttachments> logger,
        CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (await attachments.FindAsync(principal, id, cancellationToken) is not { } attachment
            || await store.OpenAsync(Attachment.KeyOf(attachment.Id), cancellationToken) is not { } content)
        {
            return Refused(logger, principal, "attachments.get");
        }

        await using (content)
        {
            SetHeaders(http.Response, attachment);
            if (!HttpMethods.IsHead(http.Request.Method))
            {
                await content.CopyToAsync(http.Response.Body, cancellationToken);
            }
        }

        return Results.Empty;
    }

    private static async Task<Results<NoContent, ApiError>> DeleteAsync(
        HttpContext http, string id, Principals principals, OwnedAttachments attachments, ILogger<OwnedAttachments> logger,
        CancellationToken cancellationToken) =>
        !principals.Read(http).TryGet(out var principal, out var refusal) ? refusal
        : await attachments.DeleteAsync(principal, id, cancellationToken) ? TypedResults.NoContent()
        : Refused(logger, principal, "attachments.remove");

    /// <summary>
    /// The content comes from a user and may be made to look like something else. A browser must neither guess its type nor show it as a
    /// page of this origin.
    /// </summary>
    private static void SetHeaders(HttpResponse response, Attachment attachment)
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(attachment.Name);
        response.ContentType = attachment.Type;
        response.ContentLength = attachment.Size;
        response.Headers.ContentDisposition = disposition.ToString();
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
    }

    private static ApiError Refused(ILogger logger, Principal principal, string function)
    {
        logger.AttachmentRefused(principal.LogName, function);
        return ApiError.Forbidden("No such file, or not yours");
    }

    private static OpenApiRequestBody Body() => new()
    {
        Required = true,
        Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
        {
            [MediaTypeNames.Multipart.FormData] = new()
            {
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Required = new HashSet<string>(StringComparer.Ordinal) { UploadForm.FileField },
                    Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
                    {
                        [UploadForm.FileField] = new OpenApiSchema
                        {
                            Type = JsonSchemaType.String, Format = "binary", Description = "An image or a PDF",
                        },
                        [UploadForm.SessionField] = new OpenApiSchema
                        {
                            Type = JsonSchemaType.String | JsonSchemaType.Null,
                            Description = "The anonymous session, if it is in no header",
                        },
                    },
                },
            },
        },
    };
}
