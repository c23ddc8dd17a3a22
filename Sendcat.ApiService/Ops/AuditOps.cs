using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/audit</c>: the manual changes of operators.</summary>
internal static class AuditOps
{
    public static void MapAudit(this RouteGroupBuilder ops) =>
        ops.MapGet("/audit", ListAsync).As("ops.audit", "Changes made by operators, the newest first", 400);

    private static async Task<Results<Ok<Page<AuditView>>, ApiError>> ListAsync(
        OperatorAudit audit, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out var refusal)
            || !OpsCursor.Read(cursor).TryGet(out var after, out refusal))
        {
            return refusal;
        }

        var rows = await audit.ListAsync(after.Before, count + 1, cancellationToken);
        return TypedResults.Ok(
            new Page<AuditView>(
                [.. rows.Take(count).Select(AuditView.Of)], rows.Count > count ? OpsCursor.After(rows[count - 1].Id) : null));
    }
}

/// <param name="Action">For instance <c>knob.set</c>, <c>dlq.requeue</c>, <c>tool_cache.clear</c>.</param>
/// <param name="Actor">The name and role of the key, and the address.</param>
/// <param name="Reason">The operator's words; absent for changes before reasons were required.</param>
/// <param name="After">The result of the action; absent if it did not finish.</param>
internal sealed record AuditView(DateTime At, string Actor, string Action, string Target, string? Before, string? After, string? Reason)
{
    public static AuditView Of(OperatorAuditRow row) => new(row.CreatedAt.UtcDateTime, row.Actor, row.Action, row.Target, row.Before,
        row.After, row.Reason);
}
