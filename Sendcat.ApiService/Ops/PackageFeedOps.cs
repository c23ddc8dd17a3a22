using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Orders;
using Sendcat.Integrations.Parcels;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/packages</c>: the feed of the warehouse, and the packages that nobody has announced.</summary>
internal static class PackageFeedOps
{
    private const string CursorOrder = "unclaimed";

    public static void MapPackageFeed(this RouteGroupBuilder ops)
    {
        ops.MapGet("/packages", ListAsync).As("ops.listUnclaimedPackages", "Packages that nobody has announced, the newest report first", 400);
        OpsReason.WithoutReason(ops.MapPost("/packages", ReportAsync)).Takes<ReportedPackages>().As(
            "ops.reportPackages",
            "Report packages: an upsert by tracking number, as JSON or as text/csv with the same names in its head. A package belongs to the first user who announced it; a change of its status is mailed to the owner",
            400, 413, 415);
    }

    private static async Task<Results<Ok<Page<UnclaimedPackageView>>, ApiError>> ListAsync(SendcatDb db, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 500).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        var packages = db.UnclaimedPackages.AsNoTracking();
        if (after is not null)
        {
            packages = packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.ReportedAt, p.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await packages.OrderByDescending(p => p.ReportedAt).ThenByDescending(p => p.Id).Take(count + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<UnclaimedPackageView>(
            [.. rows.Take(count).Select(UnclaimedPackageView.Of)],
            rows.Count > count ? new PageCursor(CursorOrder, rows[count - 1].ReportedAt, rows[count - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<PackagesReported>, ApiError>> ReportAsync(
        HttpContext http, PackageFeed feed, IOptionsMonitor<OrderOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        var maxBytes = options.CurrentValue.PackageFeedMaxBytes;
        var body = MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var media) && media.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase)
            ? await PackageCsv.ReadAsync(http, maxBytes, cancellationToken)
            : await JsonBody.ReadAsync(http, maxBytes, OpsJson.Default.ReportedPackages, cancellationToken);
        if (!body.TryGet(out var reported, out var refusal))
        {
            return refusal;
        }

        var now = time.Now();
        var (reports, rejected) = (new List<PackageReport>(), new List<RejectedReport>());
        for (var row = 0; row < reported.Packages!.Count; row++)
        {
            if (reported.Packages[row].Read(now) is { Report: { } report })
            {
                reports.Add(report);
            }
            else
            {
                rejected.Add(new(row + 1, reported.Packages[row].Read(now).Problem!));
            }
        }

        var result = await feed.ReportAsync(reports, cancellationToken);
        return TypedResults.Ok(new PackagesReported(reported.Packages.Count, result.Updated, result.Claimed, result.Unclaimed, result.Stale, rejected));
    }
}
