using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>Composes a new thread out of an old one and one of its messages.</summary>
internal sealed class Composition(ThreadAccess access, ThreadCopies copies, RequestLimits limits, SendcatDb db, TimeProvider time)
{
    /// <summary>Everything up to and with the message.</summary>
    public async Task<Outcome<ThreadView>> BranchAsync(HttpContext http, string threadId, Branch branch, CancellationToken cancellationToken)
    {
        if (!(await StartAsync(http, threadId, branch.MessageId, branch.SessionId, "threads.branch", cancellationToken)).TryGet(out var start, out var refusal))
        {
            return refusal;
        }

        var before = start.Anchor.Seq + 1;
        var asked = await LastQuestionAsync(start, before, cancellationToken);
        return await copies.CopyAsync(http, start.Open.Principal, start.Open.Thread.Id, Beside(start, asked?.Content), before, next: null, cancellationToken);
    }

    /// <summary>Everything before the user message, then the message with its new words.</summary>
    public async Task<Outcome<ThreadView>> EditAsync(HttpContext http, string threadId, Edit edit, CancellationToken cancellationToken)
    {
        if (!(await StartAsync(http, threadId, edit.MessageId, edit.SessionId, "threads.edit", cancellationToken)).TryGet(out var start, out var refusal))
        {
            return refusal;
        }

        if (start.Anchor.Role != "user")
        {
            return ApiError.InvalidRequest("Only a user message can be edited");
        }

        var attachments = edit.Attachments is null ? start.Anchor.Attachments
            : Messages.Json(edit.Attachments) is { } json ? JsonSerializer.Deserialize(json, ThreadsJson.Default.JsonElement)
            : (JsonElement?)null;
        return await SayAsync(http, start, start.Anchor.Seq, edit.Content ?? "", attachments, cancellationToken);
    }

    /// <summary>Everything before the question, then the question again. An answer is retried by its question.</summary>
    public async Task<Outcome<ThreadView>> RetryAsync(HttpContext http, string threadId, Branch retry, CancellationToken cancellationToken)
    {
        if (!(await StartAsync(http, threadId, retry.MessageId, retry.SessionId, "threads.retry", cancellationToken)).TryGet(out var start, out var refusal))
        {
            return refusal;
        }

        return await LastQuestionAsync(start, start.Anchor.Seq + 1, cancellationToken) is { } question
            ? await SayAsync(http, start, question.Seq, question.Content, question.Attachments, cancellationToken)
            : ApiError.InvalidRequest("Nothing was asked before this message");
    }

    private async Task<Outcome<Start>> StartAsync(HttpContext http, string threadId, string? messageId, string? sessionId, string function, CancellationToken cancellationToken)
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
        return anchor is null ? ApiError.NotFound("No such message in this thread") : new Start(open, anchor);
    }

    private Task<ChatMessage?> LastQuestionAsync(Start start, long before, CancellationToken cancellationToken) =>
        db.Messages.AsNoTracking()
            .Where(m => m.ThreadId == start.Open.Thread.Id && m.Seq < before && m.Role == "user")
            .OrderByDescending(m => m.Seq)
            .FirstOrDefaultAsync(cancellationToken);

    private async Task<Outcome<ThreadView>> SayAsync(HttpContext http, Start start, long before, string content, JsonElement? attachments, CancellationToken cancellationToken)
    {
        var thread = Beside(start, content);
        var now = time.Now();
        var message = new ChatMessage { Id = Guid.CreateVersion7(now), ThreadId = thread.Id, Role = "user", Content = content, Status = "completed", Attachments = attachments, CreatedAt = now };
        return await copies.CopyAsync(http, start.Open.Principal, start.Open.Thread.Id, thread, before, message, cancellationToken);
    }

    /// <summary>Branches are siblings: the parent of a branch of a branch is the first thread.</summary>
    private ChatThread Beside(Start start, string? content)
    {
        var origin = start.Open.Thread;
        var title = string.IsNullOrWhiteSpace(content) ? origin.Title : ThreadRules.TitleFrom(content);
        return ThreadCopies.NewThread(start.Open.Principal, time.Now(), origin.ModelId, title, origin.ParentThreadId ?? origin.Id, sharedFrom: null);
    }

    private sealed record Start(OpenThread Open, ChatMessage Anchor);
}
