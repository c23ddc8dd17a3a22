using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>A principal's threads: pinned first, then by the latest message.</summary>
internal sealed class ThreadList(SendcatDb db)
{
    private const string Pinned = "1";
    private const string Others = "0";

    /// <summary>The parts of the list, as its cursors name them.</summary>
    public static ReadOnlySpan<string> Parts => new[] { Pinned, Others };

    public async Task<Page<ThreadView>> ReadAsync(
        Principal principal, string? search, PageCursor? after, int limit, CancellationToken cancellationToken)
    {
        var threads = Of(principal);
        if (!string.IsNullOrWhiteSpace(search))
        {
            var pattern = $"%{Escaped(search)}%";
            threads = threads.Where(t => t.Title != null && EF.Functions.ILike(t.Title, pattern, @"\"));
        }

        if (after is not null)
        {
            var (isPinned, at, id) = (after.Order == Pinned, after.At, after.Id);
            threads = threads.Where(t => EF.Functions.LessThan(
                ValueTuple.Create(t.IsPinned, t.LastMessageAt ?? t.CreatedAt, t.Id),
                ValueTuple.Create(isPinned, at, id)));
        }

        var (messages, shares) = (db.Messages, db.SharedThreads);
        var rows = await threads
            .OrderByDescending(t => t.IsPinned).ThenByDescending(t => t.LastMessageAt ?? t.CreatedAt).ThenByDescending(t => t.Id)
            .Take(limit + 1)
            .Select(t => new
            {
                Thread = t,
                IsStreaming = messages.Any(m => m.ThreadId == t.Id && m.Status == "streaming"),
                IsShared = shares.Any(s => s.ThreadId == t.Id && !s.IsRevoked),
            })
            .TagWith("list threads")
            .ToListAsync(cancellationToken);
        var last = rows.Count > limit ? rows[limit - 1].Thread : null;
        return new(
            [.. rows.Take(limit).Select(row => ThreadView.Of(row.Thread, row.IsStreaming, row.IsShared))],
            last is null
                ? null
                : new PageCursor(last.IsPinned ? Pinned : Others, last.LastMessageAt ?? last.CreatedAt, last.Id).ToString());
    }

    public async Task<ThreadView?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        var (messages, shares) = (db.Messages, db.SharedThreads);
        var row = await db.Threads.AsNoTracking()
            .Where(t => t.Id == id)
            .Select(t => new
            {
                Thread = t,
                IsStreaming = messages.Any(m => m.ThreadId == t.Id && m.Status == "streaming"),
                IsShared = shares.Any(s => s.ThreadId == t.Id && !s.IsRevoked),
            })
            .TagWith("read thread view")
            .SingleOrDefaultAsync(cancellationToken);
        return row is null ? null : ThreadView.Of(row.Thread, row.IsStreaming, row.IsShared);
    }

    private IQueryable<ChatThread> Of(Principal principal) =>
        principal.UserId is { } user
            ? db.Threads.AsNoTracking().Where(t => t.UserId == user)
            : db.Threads.AsNoTracking().Where(t => t.UserId == null && t.SessionId == principal.SessionId);

    private static string Escaped(string search) =>
        search.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal)
            .Replace("_", @"\_", StringComparison.Ordinal);
}
