using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Idempotency;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/replay-keys</c>: what webhooks delivered.</summary>
internal static class ReplayKeyOps
{
    private const string CursorOrder = "received";
    private const int LongestScope = 64;
    private const int LongestKey = 1_000;

    public static void MapReplayKeys(this RouteGroupBuilder ops) =>
        ops.MapGet("/replay-keys", ListAsync).As(
            "ops.replayKeys", "Keys of webhook deliveries, the newest first; ?scope=, ?key= for one as its sender sent it", 400);

    private static async Task<Results<Ok<Page<ReplayKeyView>>, ApiError>> ListAsync(
        WebhookInbox inbox, string? scope, string? key, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!StoredText.HasText(scope, LongestScope) || (key is not null && !StoredText.Fits(key, LongestKey)))
        {
            return ApiError.InvalidRequest($"scope must have 1 to {LongestScope} characters, key at most {LongestKey}");
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        var rows = await inbox.ListRecentByScopeAsync(
            scope!, key, after is null ? null : (after.At, after.Id), count + 1, cancellationToken);
        return TypedResults.Ok(new Page<ReplayKeyView>(
            [.. rows.Take(count).Select(ReplayKeyView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].FirstSeenAt, rows[count - 1].DeliveryId).ToString() : null));
    }
}

/// <param name="KeyDigest">SHA-256 of the key: keys may contain addresses and phone numbers.</param>
/// <param name="Hits">Deliveries of the key, the first one included.</param>
/// <param name="JobStatus">Absent: it has no job, or its job was completed and removed.</param>
internal sealed record ReplayKeyView(
    string KeyDigest, int Hits, DateTime FirstSeenAt, DateTime LastSeenAt, DateTime ExpiresAt, Guid? JobId, string? JobStatus)
{
    public static ReplayKeyView Of(InboxRow row) =>
        new(
            row.Key, row.Hits, row.FirstSeenAt.UtcDateTime, row.LastSeenAt.UtcDateTime, row.ExpiresAt.UtcDateTime, row.JobId,
            row.JobStatus);
}
