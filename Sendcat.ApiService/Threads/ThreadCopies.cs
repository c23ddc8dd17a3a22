using System.Runtime.InteropServices;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Copies messages into a new thread: of a thread of the same owner with the tool calls and their results, or of the snapshot of a share
/// without them, and without files, which belong to the owner of the original. System prompts are never copied.
/// </summary>
internal sealed class ThreadCopies(SendcatDb db, RequestDatabase source, Quotas quotas, RateLimiter limiter, TimeProvider time)
{
    /// <summary>
    /// The factor by which the limit of an address exceeds that of a principal. An address is counted as well, because it may have several
    /// principals, and one client can create many sessions.
    /// </summary>
    private const int AddressFactor = 4;

    private const string ReadSize = """
        -- read copy size
        SELECT count(*), coalesce(sum(message_bytes(m)), 0)::bigint FROM messages m
        WHERE thread_id = $1 AND ($2::bigint IS NULL OR seq < $2) AND role <> 'system' AND status IS DISTINCT FROM 'streaming'
        """;

    private const string ReadShareSize = """
        -- read share size
        SELECT count(*), coalesce(sum(octet_length(content) + coalesce(octet_length(reasoning_content), 0)
          + coalesce(octet_length(attachments::text), 0)
          + coalesce(octet_length(products::text), 0) + coalesce(octet_length(sources::text), 0)), 0)::bigint
        FROM shared_messages WHERE share_id = $1
        """;

    public static ChatThread NewThread(
        Principal principal, DateTimeOffset now, string? modelId, string? title, Guid? parent, Guid? sharedFrom,
        Guid? share = null) => new()
    {
        Id = Guid.CreateVersion7(now),
        Title = title,
        ModelId = modelId,
        SessionId = principal.SessionId ?? Profile.RowOf(principal.UserId!),
        UserId = principal.UserId,
        LastMessageAt = now,
        ParentThreadId = parent,
        SharedFromThreadId = sharedFrom,
        ShareId = share,
        CreatedAt = now,
    };

    /// <summary>
    /// Copies messages of a thread of the same owner. The copy counts by its size: it must fit into the quotas of the principal, and into
    /// the rate limit for copies of the principal and its address.
    /// </summary>
    /// <param name="http">The request; its address is counted.</param>
    /// <param name="principal">The owner of both threads.</param>
    /// <param name="origin">The thread to copy.</param>
    /// <param name="copy">A thread from <see cref="NewThread"/> that is not stored yet.</param>
    /// <param name="before">Only messages with a smaller <see cref="ChatMessage.Seq"/> are copied; null: all messages.</param>
    /// <param name="next">The user message to append; null: none.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    /// <returns>The new thread; 409 beyond a quota, 429 beyond the rate limit.</returns>
    public async Task<Outcome<ThreadView>> CopyAsync(
        HttpContext http, Principal principal, Guid origin, ChatThread copy, long? before, ChatMessage? next,
        CancellationToken cancellationToken)
    {
        var (messages, bytes) = await SizeAsync(origin, before, cancellationToken);
        if (await RefusalAsync(http, principal, messages, bytes, next, cancellationToken) is { } refusal)
        {
            return refusal;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        db.Threads.Add(copy);
        await db.SaveChangesAsync(cancellationToken);

        var sources = await db.Messages.AsNoTracking()
            .Where(m => m.ThreadId == origin && (before == null || m.Seq < before) && m.Role != "system" && m.Status != "streaming")
            .Where(m => m.Content != "" || m.Products != null || m.Attachments != null || m.ToolCalls != null || m.Role == "tool")
            .OrderBy(m => m.Seq).Select(m => m.Id).ToArrayAsync(cancellationToken);
        var now = time.Now();
        var copies = Array.ConvertAll(sources, _ => Guid.CreateVersion7(now));
        await db.Database.ExecuteSqlAsync(
            $"""
            -- copy messages
            INSERT INTO messages (id, thread_id, role, content, model_id, status, reasoning_content, attachments, tool_calls, tool_call_id,
              name, products,
              sources, created_at, answers_id)
            SELECT n.copy, {copy.Id}, m.role, m.content, m.model_id, m.status, m.reasoning_content, m.attachments, m.tool_calls,
              m.tool_call_id, m.name,
              m.products, m.sources, m.created_at, asked.copy
            FROM unnest({sources}, {copies}) WITH ORDINALITY AS n (source, copy, place)
            JOIN messages m ON m.id = n.source
            LEFT JOIN unnest({sources}, {copies}) AS asked (source, copy) ON asked.source = m.answers_id
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

    /// <summary>
    /// Copies the snapshot of a share into a new thread of the caller, with the same limits as <see cref="CopyAsync"/>. A second fork of
    /// the same caller gives the first, also while the first one is still being made.
    /// </summary>
    /// <param name="http">The request; its address is counted.</param>
    /// <param name="principal">The owner of the copy.</param>
    /// <param name="share">The share.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    /// <returns>The thread and whether it is new; 409 beyond a quota, 429 beyond the rate limit.</returns>
    public async Task<Outcome<(ThreadView View, bool IsNew)>> ForkAsync(
        HttpContext http, Principal principal, SharedThread share, CancellationToken cancellationToken)
    {
        if (await ForkOfAsync(principal, share.Id, cancellationToken) is { } earlier)
        {
            return (ThreadView.Of(earlier), IsNew: false);
        }

        var (messages, bytes) = await ShareSizeAsync(share.Id, cancellationToken);
        if (await RefusalAsync(http, principal, messages, bytes, next: null, cancellationToken) is { } refusal)
        {
            return refusal;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var caller = $"fork:{share.Id:D}:{principal.Key}";
        await db.Database.ExecuteSqlAsync(
            $"""
            -- lock forks
            SELECT pg_advisory_xact_lock(hashtextextended({caller}, 0))
            """,
            cancellationToken);
        if (await ForkOfAsync(principal, share.Id, cancellationToken) is { } concurrent)
        {
            return (ThreadView.Of(concurrent), IsNew: false);
        }

        var now = time.Now();
        var fork = NewThread(principal, now, share.ModelId, share.Title ?? "Shared chat", share.ThreadId, share.ThreadId, share.Id);
        db.Threads.Add(fork);
        await db.SaveChangesAsync(cancellationToken);
        var ids = Enumerable.Range(0, (int)messages).Select(_ => Guid.CreateVersion7(now)).ToArray();
        await db.Database.ExecuteSqlAsync(
            $"""
            -- copy shared messages
            INSERT INTO messages (id, thread_id, role, content, model_id, status, reasoning_content, products, sources, created_at)
            SELECT n.id, {fork.Id}, m.role, m.content, m.model_id, m.status, m.reasoning_content, m.products, m.sources, m.created_at
            FROM unnest({ids}) WITH ORDINALITY AS n (id, place)
            JOIN shared_messages m ON m.share_id = {share.Id} AND m.place = n.place AND (m.content <> '' OR m.products IS NOT NULL)
            ORDER BY n.place
            """,
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (ThreadView.Of(fork), IsNew: true);
    }

    /// <summary>Counts the messages and bytes of a thread that a copy, or the snapshot of a share, takes.</summary>
    public async Task<(long Messages, long Bytes)> SizeAsync(Guid thread, long? before, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(ReadSize);
        command.Parameters.Add(new() { Value = thread });
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        return await ReadSizeAsync(command, cancellationToken);
    }

    private async Task<(long Messages, long Bytes)> ShareSizeAsync(Guid share, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(ReadShareSize);
        command.Parameters.Add(new() { Value = share });
        return await ReadSizeAsync(command, cancellationToken);
    }

    private Task<ChatThread?> ForkOfAsync(Principal principal, Guid share, CancellationToken cancellationToken)
    {
        var forks = db.Threads.AsNoTracking().Where(t => t.ShareId == share);
        var own = principal.UserId is { } user
            ? forks.Where(t => t.UserId == user)
            : forks.Where(t => t.UserId == null && t.SessionId == principal.SessionId);
        return own.OrderBy(t => t.Id).FirstOrDefaultAsync(cancellationToken);
    }

    private async Task<ApiError?> RefusalAsync(
        HttpContext http, Principal principal, long messages, long bytes, ChatMessage? next, CancellationToken cancellationToken)
    {
        if (next is not null)
        {
            (messages, bytes) = (messages + 1 + Quotas.RoomForAnswer, bytes + BytesOf(next));
        }

        return await quotas.CheckThreadAsync(principal, messages, bytes, cancellationToken) is { } full ? full
            : await ChargeAsync(http, principal, bytes, cancellationToken);
    }

    private static long BytesOf(ChatMessage message) =>
        Encoding.UTF8.GetByteCount(message.Content) + (
            message.Attachments is { } attachments ? JsonMarshal.GetRawUtf8Value(attachments).Length : 0);

    private static async Task<(long Messages, long Bytes)> ReadSizeAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>Counts bytes that are copied against the rate limit of the principal and of its address.</summary>
    /// <returns>The error, or null when the copy is within the rate limit.</returns>
    public async ValueTask<ApiError?> ChargeAsync(HttpContext http, Principal principal, long bytes, CancellationToken cancellationToken)
    {
        var kibibytes = 1 + (int)Math.Min(bytes / 1024, int.MaxValue - 1);
        LimitKey[] keys =
        [
            new(principal.Key),
            .. ClientAddress.LimitKeysOf(http).Select(address => address with { Times = address.Times * AddressFactor }),
        ];
        var decision = await limiter.CheckAsync(
            RateLimitBucket.Copies, keys, cancellationToken, RouteTemplate.Of(http), http.Request.Method, kibibytes);
        return decision.Allowed
            ? null
            : ApiError.RateLimited(decision.RetryAfter, RateLimitBucket.Copies.Name(), "You have copied as much as the limit allows");
    }

    /// <summary>The visible messages in their order: not empty, not streaming, of user or assistant.</summary>
    public IQueryable<ChatMessage> Visible(Guid thread, long? before) => db.Messages.AsNoTracking()
        .Where(m => m.ThreadId == thread && (before == null || m.Seq < before))
        .Where(m => m.Role == "user" || m.Role == "assistant")
        .Where(m => m.Status != "streaming")
        .Where(m => m.Content != "" || m.Products != null || m.Sources != null || m.Attachments != null)
        .OrderBy(m => m.Seq);
}
