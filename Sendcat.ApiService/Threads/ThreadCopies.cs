using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>Makes a new thread out of the visible part of another: what user and assistant said, never tool traffic or system prompts.</summary>
internal sealed class ThreadCopies(SendcatDb db, TimeProvider time)
{
    public static ChatThread NewThread(Principal principal, DateTimeOffset now, string modelId, string? title, Guid? parent, Guid? sharedFrom) => new()
    {
        Id = Guid.CreateVersion7(now),
        Title = title,
        ModelId = modelId,
        SessionId = principal.SessionId ?? Profile.RowOf(principal.UserId!),
        UserId = principal.UserId,
        LastMessageAt = now,
        ParentThreadId = parent,
        SharedFromThreadId = sharedFrom,
        CreatedAt = now,
    };

    /// <param name="copy">Made by <see cref="NewThread"/>, not stored yet.</param>
    /// <param name="before">Messages from this place on stay behind; null copies all.</param>
    /// <param name="next">The user message to put at the end.</param>
    public async Task<ThreadView> CopyAsync(Guid origin, ChatThread copy, long? before, ChatMessage? next, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        db.Threads.Add(copy);
        await db.SaveChangesAsync(cancellationToken);

        var sources = await Visible(origin, before).Select(m => m.Id).ToArrayAsync(cancellationToken);
        var now = time.Now();
        var copies = Array.ConvertAll(sources, _ => Guid.CreateVersion7(now));
        await db.Database.ExecuteSqlAsync(
            $"""
            -- copy messages
            insert into messages (id, thread_id, role, content, model_id, status, reasoning_content, attachments, products, created_at)
            select n.copy, {copy.Id}, m.role, m.content, m.model_id, m.status, m.reasoning_content, m.attachments, m.products, m.created_at
            from unnest({sources}, {copies}) with ordinality as n (source, copy, place)
            join messages m on m.id = n.source
            order by n.place
            """,
            cancellationToken);
        if (next is not null)
        {
            db.Messages.Add(next);
            await db.SaveChangesAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return ThreadView.Of(copy) with { MessageId = next?.Id };
    }

    /// <summary>In the order in which they were said.</summary>
    public IQueryable<ChatMessage> Visible(Guid thread, long? before) => db.Messages.AsNoTracking()
        .Where(m => m.ThreadId == thread && (before == null || m.Seq < before))
        .Where(m => m.Role == "user" || m.Role == "assistant")
        .Where(m => m.Status != "streaming")
        .Where(m => m.Content != "" || m.Products != null || m.Attachments != null)
        .OrderBy(m => m.Seq);
}
