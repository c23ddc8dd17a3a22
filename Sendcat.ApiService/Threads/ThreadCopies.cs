using System.Runtime.InteropServices;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Threads;

/// <summary>Makes a new thread out of the visible part of another: what user and assistant said, never tool traffic or system prompts.</summary>
internal sealed class ThreadCopies(SendcatDb db, NpgsqlDataSource source, Quotas quotas, RateLimiter limiter, TimeProvider time)
{
    /// <summary>Behind an address are more principals than one, and one can make itself as many sessions as it likes.</summary>
    private const int TimesOfAddress = 4;

    private const string ReadSize = """
        -- read copy size
        select count(*), coalesce(sum(message_bytes(m)), 0)::bigint from messages m
        where thread_id = $1 and ($2::bigint is null or seq < $2) and role in ('user', 'assistant') and status is distinct from 'streaming'
        """;

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

    /// <summary>Charged by its size: it must fit into the quotas of the principal, and into what the principal and its address may copy in a while.</summary>
    /// <param name="copy">Made by <see cref="NewThread"/>, not stored yet.</param>
    /// <param name="before">Messages from this place on stay behind; null copies all.</param>
    /// <param name="next">The user message to put at the end.</param>
    public async Task<Outcome<ThreadView>> CopyAsync(HttpContext http, Principal principal, Guid origin, ChatThread copy, long? before, ChatMessage? next, CancellationToken cancellationToken)
    {
        var (messages, bytes) = await SizeAsync(origin, before, cancellationToken);
        if (next is not null)
        {
            (messages, bytes) = (messages + 1 + Quotas.RoomForAnswer, bytes + BytesOf(next));
        }

        if (await quotas.RefusesThreadAsync(principal, messages, bytes, cancellationToken) is { } full)
        {
            return full;
        }

        if (await ChargeAsync(http, principal, bytes, cancellationToken) is { } wait)
        {
            return ApiError.RateLimited(wait);
        }

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

    private static long BytesOf(ChatMessage message) =>
        Encoding.UTF8.GetByteCount(message.Content) + (message.Attachments is { } attachments ? JsonMarshal.GetRawUtf8Value(attachments).Length : 0);

    private async Task<(long Messages, long Bytes)> SizeAsync(Guid thread, long? before, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ReadSize);
        command.Parameters.Add(new() { Value = thread });
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <returns>The time to wait, or null for a copy that may be made.</returns>
    private async ValueTask<TimeSpan?> ChargeAsync(HttpContext http, Principal principal, long bytes, CancellationToken cancellationToken)
    {
        var kibibytes = 1 + (int)Math.Min(bytes / 1024, int.MaxValue - 1);
        LimitKey[] keys = [new(principal.Key), .. ClientAddress.LimitsOf(http).Select(address => address with { Times = address.Times * TimesOfAddress })];
        var decision = await limiter.CheckAsync(RateLimitBucket.Copies, keys, cancellationToken, RouteTemplate.Of(http), http.Request.Method, kibibytes);
        return decision.Allowed ? null : decision.RetryAfter;
    }

    /// <summary>In the order in which they were said.</summary>
    public IQueryable<ChatMessage> Visible(Guid thread, long? before) => db.Messages.AsNoTracking()
        .Where(m => m.ThreadId == thread && (before == null || m.Seq < before))
        .Where(m => m.Role == "user" || m.Role == "assistant")
        .Where(m => m.Status != "streaming")
        .Where(m => m.Content != "" || m.Products != null || m.Attachments != null)
        .OrderBy(m => m.Seq);
}
