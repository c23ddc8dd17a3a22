using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>Creates a new thread from an existing one and one of its messages.</summary>
internal sealed class Composition(
    ThreadAccess access, ThreadCopies copies, OwnedAttachments attachments, RequestLimits limits, SendcatDb db, TimeProvider time)
{
    /// <summary>Creates a thread with all messages up to and including this one.</summary>
    public async Task<Outcome<ThreadView>> BranchAsync(
        HttpContext http, string threadId, Branch branch, CancellationToken cancellationToken)
    {
        if (!(await OpenAsync(http, threadId, branch.MessageId, branch.SessionId, "threads.branch", cancellationToken))
            .TryGet(out var origin, out var refusal))
        {
            return refusal;
        }

        var before = await AfterResultsAsync(origin, cancellationToken);
        var userMessage = await LastUserMessageAsync(origin, before, cancellationToken);
        return await copies.CopyAsync(
            http, origin.Open.Principal, origin.Open.Thread.Id, NewBranch(origin, userMessage?.Content), before, next: null,
            cancellationToken);
    }

    /// <summary>Creates a thread with all messages before the user message, followed by the message with its new content.</summary>
    public async Task<Outcome<ThreadView>> EditAsync(HttpContext http, string threadId, Edit edit, CancellationToken cancellationToken)
    {
        if (!(await OpenAsync(http, threadId, edit.MessageId, edit.SessionId, "threads.edit", cancellationToken))
            .TryGet(out var origin, out var refusal))
        {
            return refusal;
        }

        if (origin.Anchor.Role != "user")
        {
            return ApiError.InvalidRequest("Only a user message can be edited");
        }

        if (!(await attachments.ResolveAsync(origin.Open.Principal, edit.Attachments, cancellationToken))
            .TryGet(out var files, out refusal))
        {
            return refusal;
        }

        var filesJson = edit.Attachments is null ? origin.Anchor.Attachments
            : MessageAttachment.Write(files) is { } json ? JsonSerializer.Deserialize(json, ThreadsJson.Default.JsonElement)
            : (JsonElement?)null;
        return await CopyWithMessageAsync(http, origin, origin.Anchor.Seq, edit.Content ?? "", filesJson, cancellationToken);
    }

    /// <summary>
    /// Creates a thread with all messages before the last user message up to this one, followed by that user message. Retrying an answer
    /// therefore repeats the user message that it answers.
    /// </summary>
    public async Task<Outcome<ThreadView>> RetryAsync(HttpContext http, string threadId, Branch retry, CancellationToken cancellationToken)
    {
        if (!(await OpenAsync(http, threadId, retry.MessageId, retry.SessionId, "threads.retry", cancellationToken))
            .TryGet(out var origin, out var refusal))
        {
            return refusal;
        }

        return await LastUserMessageAsync(origin, origin.Anchor.Seq + 1, cancellationToken) is { } userMessage
            ? await CopyWithMessageAsync(http, origin, userMessage.Seq, userMessage.Content, userMessage.Attachments, cancellationToken)
            : ApiError.InvalidRequest("Nothing was asked before this message");
    }

    private async Task<Outcome<Origin>> OpenAsync(
        HttpContext http, string threadId, string? messageId, string? sessionId, string function, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, threadId, function, sessionId, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        if (await limits.RefusalAsync(http, RequestBudget.ThreadCreate, open.Principal.Key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        var anchor = ThreadAccess.IsId(messageId, out var id)
            ? await db.Messages.AsNoTracking().SingleOrDefaultAsync(m => m.Id == id && m.ThreadId == open.Thread.Id, cancellationToken)
            : null;
        return anchor is null ? ApiError.NotFound("No such message in this thread") : new Origin(open, anchor);
    }

    /// <summary>The end of a branch: behind the message, and behind the results of its tool calls.</summary>
    private async Task<long?> AfterResultsAsync(Origin origin, CancellationToken cancellationToken) =>
        origin.Anchor.ToolCalls is null && origin.Anchor.Role != "tool"
            ? origin.Anchor.Seq + 1
            : await db.Messages.Where(m => m.ThreadId == origin.Open.Thread.Id && m.Seq > origin.Anchor.Seq && m.Role != "tool")
                .MinAsync(m => (long?)m.Seq, cancellationToken);

    private Task<ChatMessage?> LastUserMessageAsync(Origin origin, long? before, CancellationToken cancellationToken) =>
        db.Messages.AsNoTracking()
            .Where(m => m.ThreadId == origin.Open.Thread.Id && (before == null || m.Seq < before) && m.Role == "user")
            .OrderByDescending(m => m.Seq)
            .FirstOrDefaultAsync(cancellationToken);

    private async Task<Outcome<ThreadView>> CopyWithMessageAsync(
        HttpContext http, Origin origin, long before, string content, JsonElement? filesJson, CancellationToken cancellationToken)
    {
        var thread = NewBranch(origin, content);
        var now = time.Now();
        var message = new ChatMessage
        {
            Id = Guid.CreateVersion7(now),
            ThreadId = thread.Id,
            Role = "user",
            Content = content,
            Status = "completed",
            Attachments = filesJson,
            CreatedAt = now,
        };
        return await copies.CopyAsync(http, origin.Open.Principal, origin.Open.Thread.Id, thread, before, message, cancellationToken);
    }

    /// <summary>Branches are siblings: the parent of a branch of a branch is the original thread.</summary>
    private ChatThread NewBranch(Origin origin, string? content)
    {
        var source = origin.Open.Thread;
        var title = string.IsNullOrWhiteSpace(content) ? source.Title : ThreadRules.TitleFrom(content);
        return ThreadCopies.NewThread(
            origin.Open.Principal, time.Now(), source.ModelId, title, source.ParentThreadId ?? source.Id, sharedFrom: null);
    }

    private sealed record Origin(OpenThread Open, ChatMessage Anchor);
}
