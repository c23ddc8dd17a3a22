using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary><c>/api/threads/{id}/messages</c>. Clients can append user messages only.</summary>
internal static class MessageEndpoints
{
    /// <summary>
    /// The most characters of one page, because a whole page is held in memory. Long messages reduce the number per page, down to one.
    /// </summary>
    private const int MaxPageCharacters = 2_000_000;

    public static void MapMessages(this IEndpointRouteBuilder app)
    {
        var messages = app.MapGroup("/api/threads/{id}/messages").WithTags("Messages");
        messages.MapGet("", ListAsync)
            .As(
                "messages.list", "The messages of a thread: oldest first, or newest first (order=desc), of all or of those before one",
                400, 401, 403, 404);
        messages.MapPost("", SendAsync).RequireLimit(RequestBudget.Writing).Takes<NewMessage>()
            .As(
                "messages.send", "Append a user message; 200 with the first one when it has its clientId, text and files",
                400, 401, 403, 409, 413, 415, 429);
        messages.MapGet("/{messageId}", GetAsync).As("messages.get", "One message, also while it is being written", 401, 403, 404);
        messages.MapDelete("", DeleteAfterAsync).RequireLimit(RequestBudget.Writing)
            .As("messages.deleteAfter", "Delete later messages: everything after the one named by ?after=", 400, 401, 403, 404, 429);
    }

    private static async Task<Results<Ok<Page<MessageView>>, ApiError>> ListAsync(
        HttpContext http, string id, ThreadAccess access, SendcatDb db, string? cursor, string? limit, string? order, string? before,
        string? includeStreaming,
        CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 100, max: 200).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (order is not (null or "" or "asc" or "desc"))
        {
            return ApiError.InvalidRequest("order must be asc or desc");
        }

        // A client that requests what is before a message scrolls back from it.
        var newestFirst = order == "desc" || (string.IsNullOrEmpty(order) && !string.IsNullOrEmpty(before));
        if (!MessageCursor.TryRead(cursor, newestFirst, out var position))
        {
            return PageCursor.Invalid;
        }

        if (includeStreaming is not (null or "" or "true" or "false"))
        {
            return ApiError.InvalidRequest("includeStreaming must be true or false");
        }

        if (!(await access.OpenAsync(http, id, "messages.list", null, cancellationToken)).TryGet(out var open, out refusal))
        {
            return refusal;
        }

        var withStreaming = includeStreaming == "true";
        var messages = withStreaming ? db.Messages.AsNoTracking().Include(m => m.Parts.OrderBy(p => p.Number)) : db.Messages.AsNoTracking();
        var all = messages
            .Where(m => m.ThreadId == open.Thread.Id && (withStreaming || m.Role != "assistant" || m.Status != "streaming"));
        if (!string.IsNullOrEmpty(before))
        {
            if (!ThreadAccess.IsId(before, out var anchor)
                || await db.Messages.Where(m => m.ThreadId == open.Thread.Id && m.Id == anchor).Select(m => (long?)m.Seq)
                    .SingleOrDefaultAsync(cancellationToken) is not { } end)
            {
                return NoSuchMessage();
            }

            all = all.Where(m => m.Seq < end);
        }

        var rows = newestFirst
            ? all.Where(m => m.Seq < position).OrderByDescending(m => m.Seq).Take(count + 1)
            : all.Where(m => m.Seq > position).OrderBy(m => m.Seq).Take(count + 1);
        var page = new List<MessageView>();
        var characters = 0L;
        await foreach (var row in rows.AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            characters += Characters(row.WithParts());
            if (page.Count == count || (page.Count > 0 && characters > MaxPageCharacters))
            {
                return TypedResults.Ok(new Page<MessageView>(page, MessageCursor.Text(position, newestFirst)));
            }

            page.Add(MessageView.Of(row));
            position = row.Seq;
        }

        return TypedResults.Ok(new Page<MessageView>(page, null));
    }

    private static int Characters(ChatMessage message) =>
        message.Content.Length + (message.ReasoningContent?.Length ?? 0) + Bytes(message.Attachments) + Bytes(message.ToolCalls)
        + Bytes(message.Products) + Bytes(message.Sources);

    private static int Bytes(JsonElement? json) => json is { } value ? JsonMarshal.GetRawUtf8Value(value).Length : 0;

    private static async Task<Results<Created<MessageView>, Ok<MessageView>, ApiError>> SendAsync(
        HttpContext http, string id, ThreadAccess access, Messages messages, OwnedAttachments attachments, SendcatDb db,
        CancellationToken cancellationToken)
    {
        const string Function = "messages.send";
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.NewMessage, cancellationToken);
        if (!body.TryGet(out var message, out var refusal)
            || !(await access.OpenAsync(http, id, Function, message.SessionId, cancellationToken)).TryGet(out var open, out refusal))
        {
            return refusal;
        }

        var content = message.Content ?? "";
        Outcome<Appended>? sent;
        if ((await attachments.ResolveAsync(open.Principal, message.Attachments, cancellationToken)).TryGet(out var files, out refusal))
        {
            sent = await messages.AppendAsync(open.Thread.Id, open.Principal, content, files, message.ClientId, cancellationToken);
        }
        else
        {
            // The file may have been deleted after the request that this one repeats.
            sent = message.ClientId is { } known
                ? await messages.RepeatedAsync(
                    open.Thread.Id, content, message.Attachments!.Select(file => file.StorageId), known, cancellationToken)
                : null;
            sent ??= refusal;
        }

        if (sent is not { } outcome)
        {
            return access.Refused(open.Principal, Function);
        }

        if (!outcome.TryGet(out var appended, out refusal))
        {
            return refusal;
        }

        if (await FindAsync(db, open.Thread.Id, appended.Id, cancellationToken) is not { } view)
        {
            return access.Refused(open.Principal, Function);
        }

        return appended.IsNew ? TypedResults.Created($"/api/threads/{open.Thread.Id:D}/messages/{view.Id:D}", view) : TypedResults.Ok(view);
    }

    private static async Task<Results<Ok<MessageView>, ApiError>> GetAsync(
        HttpContext http, string id, string messageId, ThreadAccess access, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "messages.get", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        return ThreadAccess.IsId(messageId, out var message) && await FindAsync(db, open.Thread.Id, message, cancellationToken) is { } view
            ? TypedResults.Ok(view)
            : NoSuchMessage();
    }

    private static async Task<Results<Ok<Deleted>, ApiError>> DeleteAfterAsync(
        HttpContext http, string id, string? after, ThreadAccess access, Messages messages, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(after))
        {
            return ApiError.InvalidRequest("after must name a message");
        }

        if (!(await access.OpenAsync(http, id, "messages.deleteAfter", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        return ThreadAccess.IsId(after, out var anchor)
            && await messages.DeleteAfterAsync(open.Thread.Id, anchor, cancellationToken) is { } count
            ? TypedResults.Ok(new Deleted(count))
            : NoSuchMessage();
    }

    private static async Task<MessageView?> FindAsync(SendcatDb db, Guid threadId, Guid messageId, CancellationToken cancellationToken) =>
        await db.Messages.AsNoTracking().Include(m => m.Parts.OrderBy(p => p.Number))
            .SingleOrDefaultAsync(m => m.Id == messageId && m.ThreadId == threadId, cancellationToken) is { } message
            ? MessageView.Of(message.WithParts())
            : null;

    private static ApiError NoSuchMessage() => ApiError.NotFound("No such message in this thread");
}
