using System.Text;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads.Export;

/// <summary>
/// <c>GET /api/threads/{id}/export</c>. Messages are read and written in pages, so a long thread is never held in memory, and a client that
/// reads slowly holds no connection to Postgres.
/// </summary>
internal static class ExportEndpoint
{
    private const int PageMessages = 100;
    private const int PageCharacters = 1_000_000;

    public static void MapExport(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/threads/{id}/export", ExportAsync).WithTags("Threads").RequireLimit(RequestBudget.Writing)
            .Produces<string>(StatusCodes.Status200OK, "text/markdown", "application/json", "text/plain", "text/html")
            .As("threads.export", "Download a thread: ?format=markdown, json, text or html", 400, 401, 403, 429);

    private static async Task<IResult> ExportAsync(
        HttpContext http, string id, string? format, ThreadAccess access, ThreadCopies copies, CancellationToken cancellationToken)
    {
        if (ExportFormats.Find(format) is not { } target)
        {
            return ApiError.InvalidRequest($"format must be one of {string.Join(", ", ExportFormats.All.Select(f => f.Name))}");
        }

        if (!(await access.OpenAsync(http, id, "threads.export", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        var response = http.Response;
        response.ContentType = target.ContentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"sendcat-{open.Thread.Id:D}.{target.FileExtension}\"";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        await using var writer = new StreamWriter(
            response.Body, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 16_384, leaveOpen: true);
        await writer.WriteAsync(target.Head(open.Thread).AsMemory(), cancellationToken);
        var isFirst = true;
        var position = long.MinValue;
        while (await ReadPageAsync(copies, open.Thread.Id, position, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var message in page)
            {
                await writer.WriteAsync(target.Line(message, isFirst).AsMemory(), cancellationToken);
                (isFirst, position) = (false, message.Seq);
            }
        }

        await writer.WriteAsync(target.Tail().AsMemory(), cancellationToken);
        return Results.Empty;
    }

    private static async Task<List<ChatMessage>> ReadPageAsync(
        ThreadCopies copies, Guid thread, long after, CancellationToken cancellationToken)
    {
        var page = new List<ChatMessage>();
        var characters = 0L;
        var next = copies.Visible(thread, before: null).Where(m => m.Seq > after).Take(PageMessages);
        await foreach (var message in next.AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            page.Add(message);
            characters += message.Content.Length + (message.ReasoningContent?.Length ?? 0);
            if (characters >= PageCharacters)
            {
                break;
            }
        }

        return page;
    }
}
