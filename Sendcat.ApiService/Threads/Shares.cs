using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Share links with their snapshots. A snapshot holds the visible messages of the moment of sharing: what is written, changed or deleted
/// later does not show. A thread has at most one active link.
/// </summary>
internal sealed class Shares(SendcatDb db, ThreadCopies copies, IOptionsMonitor<ProviderRouteOptions> options, TimeProvider time)
{
    /// <summary>The prefix of tokens in older links.</summary>
    private const string LegacyPrefix = "share_";

    /// <summary>Finds the active link of a thread; null: it is not shared.</summary>
    public Task<SharedThread?> OfThreadAsync(Guid thread, CancellationToken cancellationToken) =>
        db.SharedThreads.AsNoTracking().SingleOrDefaultAsync(s => s.ThreadId == thread && !s.IsRevoked, cancellationToken);

    /// <summary>Finds an active link by its token; null: there is none.</summary>
    public async Task<SharedThread?> FindAsync(string token, CancellationToken cancellationToken)
    {
        var key = token.StartsWith(LegacyPrefix, StringComparison.Ordinal) ? token[LegacyPrefix.Length..] : token;
        return StoredText.Fits(key, 100)
            ? await db.SharedThreads.AsNoTracking().SingleOrDefaultAsync(s => s.ShareToken == key && !s.IsRevoked, cancellationToken)
            : null;
    }

    /// <summary>
    /// Shares a thread. A thread that is shared already keeps its link, and its snapshot too unless
    /// <see cref="NewShare.Update"/> requests a new one.
    /// </summary>
    /// <returns>The link; 409 when it was revoked meanwhile; 429 beyond the rate limit of copies.</returns>
    public async Task<Outcome<SharedThread>> ShareAsync(
        HttpContext http, OpenThread open, NewShare request, CancellationToken cancellationToken)
    {
        var thread = open.Thread;
        if (request.Update is not true && await OfThreadAsync(thread.Id, cancellationToken) is { } active)
        {
            return active;
        }

        var (_, bytes) = await copies.SizeAsync(thread.Id, before: null, cancellationToken);
        if (await copies.ChargeAsync(http, open.Principal, bytes, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await StoreAsync(open, request, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return await OfThreadAsync(thread.Id, cancellationToken) is { } share ? share : ApiError.Conflict();
    }

    public Task RevokeAsync(Guid thread, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"""
            -- revoke share link
            WITH revoked AS (UPDATE shared_threads SET is_revoked = TRUE WHERE thread_id = {thread} AND NOT is_revoked RETURNING id)
            DELETE FROM shared_messages WHERE share_id IN (SELECT id FROM revoked)
            """,
            cancellationToken);

    /// <summary>The full address of the link: of the page of the application where its address is configured, else of this API.</summary>
    public string AddressOf(HttpRequest request, SharedThread share) =>
        options.CurrentValue.AppUrl is { Length: > 0 } app
            ? $"{app.TrimEnd('/')}/share/{share.ShareToken}"
            : $"{request.Scheme}://{request.Host}/api/shares/{share.ShareToken}";

    private async Task StoreAsync(OpenThread open, NewShare request, CancellationToken cancellationToken)
    {
        var (thread, principal, now) = (open.Thread, open.Principal, time.Now());
        var (reasoning, attachments) = (request.IncludeReasoning is true, request.IncludeAttachments is true);
        // A random UUID instead of a time-ordered one: the token is the only secret of the link.
        await db.Database.ExecuteSqlAsync(
            $"""
            -- create share link
            INSERT INTO shared_threads (id, thread_id, share_token, created_by_user_id, created_by_session_id, created_at, is_revoked,
              title, model_id, shared_at,
              includes_reasoning, includes_attachments)
            VALUES ({Guid.CreateVersion7(now)}, {thread.Id}, {Guid.NewGuid().ToString("D")}, {principal.UserId}, {principal.SessionId},
              {now}, FALSE, {thread.Title},
              {thread.ModelId}, {now}, {reasoning}, {attachments})
            ON CONFLICT (thread_id) WHERE NOT is_revoked DO UPDATE SET title = excluded.title, model_id = excluded.model_id,
              shared_at = excluded.shared_at,
              includes_reasoning = excluded.includes_reasoning, includes_attachments = excluded.includes_attachments
            """,
            cancellationToken);
        // Another statement: it sees the snapshot of a concurrent request, for whose commit the first one has waited.
        await db.Database.ExecuteSqlAsync(
            $"""
            -- delete share snapshot
            DELETE FROM shared_messages m USING shared_threads s WHERE s.id = m.share_id AND s.thread_id = {thread.Id} AND NOT s.is_revoked
            """,
            cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            -- take share snapshot
            INSERT INTO shared_messages (share_id, place, role, content, model_id, status, reasoning_content, attachments, products,
              sources, created_at)
            SELECT s.id, row_number() OVER (ORDER BY m.seq), m.role, m.content, m.model_id, m.status,
              CASE WHEN s.includes_reasoning THEN m.reasoning_content END,
              CASE WHEN s.includes_attachments
                THEN (SELECT jsonb_agg(file - 'sha256' ORDER BY place)
                  FROM jsonb_array_elements(m.attachments) WITH ORDINALITY AS files (file, place)) END,
              m.products, m.sources, m.created_at
            FROM shared_threads s JOIN messages m ON m.thread_id = s.thread_id
            WHERE s.thread_id = {thread.Id} AND NOT s.is_revoked AND m.role IN ('user', 'assistant')
              AND m.status IS DISTINCT FROM 'streaming'
              AND (m.content <> '' OR m.products IS NOT NULL OR (s.includes_attachments AND m.attachments IS NOT NULL))
            """,
            cancellationToken);
    }
}
