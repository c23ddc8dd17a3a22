using System.Runtime.InteropServices;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Copies the visible messages of a thread, those of user and assistant, into a new thread. Tool messages and system prompts are never
/// copied.
/// </summary>
internal sealed class ThreadCopies(SendcatDb db, NpgsqlDataSource source, Quotas quotas, RateLimiter limiter, TimeProvider time)
{
    /// <summary>
    /// The factor by which the limit of an address exceeds that of a principal. An address is counted as well, because it may have several
    /// principals, and one client can create many sessions.
    /// </summary>
    private const int AddressFactor = 4;

    private const string ReadSize = """
        -- read copy size
        SELECT count(*), coalesce(sum(message_bytes(m)), 0)::bigint FROM messages m
        WHERE thread_id = $1 AND ($2::bigint IS NULL OR seq < $2) AND role IN ('user', 'assistant') AND status IS DISTINCT FROM 'streaming'
        """;

    public static ChatThread NewThread(Principal principal, DateTimeOffset now, string? modelId, string? title, Guid? parent, Guid? sharedFrom) => new()
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

    /// <summary>
    /// Copies messages. The copy counts by its size: it must fit into the quotas of the principal, and into the rate limit for copies of
    /// the principal and its address.
    /// </summary>
    /// <param name="http">The request; its address is counted.</param>
    /// <param name="principal">The owner of the copy.</param>
    /// <param name="origin">The thread to copy.</param>
    /// <param name="copy">A thread from <see cref="NewThread"/> that is not stored yet.</param>
    /// <param name="before">Only messages with a smaller <see cref="ChatMessage.Seq"/> are copied; null: all messages.</param>
    /// <param name="next">The user message to append; null: none.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    /// <returns>The new thread; 409 beyond a quota, 429 beyond the rate limit.</returns>
    public async Task<Outcome<ThreadView>> CopyAsync(
        HttpContext http, Principal principal, Guid origin, ChatThread copy, long? before, ChatMessage? next, CancellationToken cancellationToken)
    {
        var (messages, bytes) = await SizeAsync(origin, before, cancellationToken);
        if (next is not null)
        {
            (messages, bytes) = (messages + 1 + Quotas.RoomForAnswer, bytes + BytesOf(next));
        }

        if (await quotas.CheckThreadAsync(principal, messages, bytes, cancellationToken) is { } full)
        {
            return full;
        }

        if (await ChargeAsync(http, principal, bytes, cancellationToken) is { } wait)
        {
            return ApiError.RateLimited(wait, RateLimitBucket.Copies.Name(), "You have copied as much as the limit allows");
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
            INSERT INTO messages (id, thread_id, role, content, model_id, status, reasoning_content, attachments, products, sources, created_at)
            SELECT n.copy, {copy.Id}, m.role, m.content, m.model_id, m.status, m.reasoning_content, m.attachments, m.products, m.sources, m.created_at
            FROM unnest({sources}, {copies}) WITH ORDINALITY AS n (source, copy, place)
            JOIN messages m ON m.id = n.source
            ORDER BY n.place
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

    /// <returns>The time to wait, or null when the copy is within the rate limit.</returns>
    private async ValueTask<TimeSpan?> ChargeAsync(HttpContext http, Principal principal, long bytes, CancellationToken cancellationToken)
    {
        var kibibytes = 1 + (int)Math.Min(bytes / 1024, int.MaxValue - 1);
        LimitKey[] keys =
        [
            new(principal.Key),
            .. ClientAddress.LimitKeysOf(http).Select(address => address with { Times = address.Times * AddressFactor }),
        ];
        var decision = await limiter.CheckAsync(RateLimitBucket.Copies, keys, cancellationToken, RouteTemplate.Of(http), http.Request.Method, kibibytes);
        return decision.Allowed ? null : decision.RetryAfter;
    }

    /// <summary>The visible messages in their order: not empty, not streaming, of user or assistant.</summary>
    public IQueryable<ChatMessage> Visible(Guid thread, long? before) => db.Messages.AsNoTracking()
        .Where(m => m.ThreadId == thread && (before == null || m.Seq < before))
        .Where(m => m.Role == "user" || m.Role == "assistant")
        .Where(m => m.Status != "streaming")
        .Where(m => m.Content != "" || m.Products != null || m.Sources != null || m.Attachments != null)
        .OrderBy(m => m.Seq);
}
