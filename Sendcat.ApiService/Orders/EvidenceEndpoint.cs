using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Orders;

namespace Sendcat.ApiService.Orders;

/// <summary><c>/api/evidence</c>: what became of the caller's mails and messages. A guest has none.</summary>
internal static class EvidenceEndpoint
{
    private const string CursorOrder = "evidence";

    public static void MapEvidence(this IEndpointRouteBuilder app) =>
        app.MapGroup("/api/evidence").WithTags("Orders").MapGet("", ListAsync)
            .As("evidence.list", "Evidence of the caller, the newest first; ?status=; without it all but ignored mails", 400, 401);

    private static async Task<Results<Ok<Page<EvidenceView>>, ApiError>> ListAsync(
        HttpContext http, Principals principals, SendcatDb db, string? status, string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        if (!string.IsNullOrEmpty(status) && !EvidenceNames.Statuses.Contains(status))
        {
            return ApiError.InvalidRequest($"status must be one of {string.Join(", ", EvidenceNames.Statuses)}");
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        if (principal.UserId is not { } user)
        {
            return TypedResults.Ok(new Page<EvidenceView>([], null));
        }

        var ignored = EvidenceStatus.Ignored.Name();
        var evidence = db.Evidence.AsNoTracking().Where(e => e.UserId == user);
        evidence = string.IsNullOrEmpty(status) ? evidence.Where(e => e.Status != ignored) : evidence.Where(e => e.Status == status);
        if (after is not null)
        {
            evidence = evidence.Where(
                e => EF.Functions.LessThan(ValueTuple.Create(e.ReceivedAt, e.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await evidence.OrderByDescending(e => e.ReceivedAt).ThenByDescending(e => e.Id).Take(count + 1)
            .ToListAsync(cancellationToken);
        var page = rows.Take(count).ToArray();
        var ids = Array.ConvertAll(page, row => row.Id);
        var links = await db.DraftEvidence.AsNoTracking().Where(l => ids.Contains(l.EvidenceId)).OrderBy(l => l.DraftId)
            .ToListAsync(cancellationToken);
        var drafts = links
            .ToLookup(link => link.EvidenceId, link => link.DraftId);
        return TypedResults.Ok(new Page<EvidenceView>(
            [
                .. page.Select(row => new EvidenceView(
                    row.Id, row.Source, row.MessageId, row.Merchant, row.ReceivedAt.UtcDateTime, row.ProcessedAt.UtcDateTime, row.Status,
                    row.Error, [.. drafts[row.Id]])),
            ],
            rows.Count > count ? new PageCursor(CursorOrder, page[^1].ReceivedAt, page[^1].Id).ToString() : null));
    }
}
