using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary><c>/api/packages</c>: the packages of signed-in users. A guest gets empty lists.</summary>
internal static class PackageEndpoints
{
    public static void MapPackages(this IEndpointRouteBuilder app)
    {
        var packages = app.MapGroup("/api/packages").WithTags("Packages");
        packages.MapGet("", ListAsync).RequireLimit(RequestBudget.Shopping)
            .As(
                "packages.list", "The caller's packages, newest first; ?search=, ?status=, ?sort=newest|updated|cost|weight", 400, 401,
                429);
        packages.MapGet("/counts", CountsAsync).RequireLimit(RequestBudget.Shopping)
            .As("packages.counts", "Count packages, by state", 401, 429);
        packages.MapGet("/export", ExportAsync).RequireLimit(RequestBudget.Shopping)
            .As("packages.export", "Export packages: the same list as CSV with totals", 400, 401, 429)
            .Produces(StatusCodes.Status200OK, typeof(string), "text/csv");
        packages.MapPost("/seed", SeedAsync).RequireLimit(RequestBudget.Shopping)
            .As("packages.seed", "Add demonstration packages, four for a user who has none", 401, 429);
    }

    private static async Task<Results<Ok<Page<PackageView>>, ApiError>> ListAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db,
        string? search, string? status, string? sort, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out refusal)
            || !PackageList.Read(search, status, sort).TryGet(out var list, out refusal))
        {
            return refusal;
        }

        return PageCursor.TryRead(cursor, list.Sort.Name, out var after)
            ? TypedResults.Ok(await list.ReadAsync(db, principal, after, count, cancellationToken))
            : PageCursor.Invalid;
    }

    private static async Task<Results<Ok<PackageCounts>, ApiError>> CountsAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var counts = await db.Packages.Where(p => p.UserId == principal.UserId)
            .GroupBy(p => p.Status).Select(group => new { group.Key, Count = group.Count() })
            .ToDictionaryAsync(row => row.Key, row => row.Count, cancellationToken);
        return TypedResults.Ok(
            new PackageCounts(counts.Values.Sum(), PackageStatus.All.ToDictionary(status => status, counts.GetValueOrDefault)));
    }

    private static async Task<Results<FileContentHttpResult, ApiError>> ExportAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db,
        string? search, string? status, string? sort, string? timeZone, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal)
            || !PackageList.Read(search, status, sort).TryGet(out var list, out refusal))
        {
            return refusal;
        }

        var zone = TimeZoneInfo.Utc;
        if (!string.IsNullOrEmpty(timeZone) && !TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out zone))
        {
            return ApiError.InvalidRequest("timeZone must be the name of a time zone, such as America/Jamaica");
        }

        var rows = await list.Of(db, principal).Take(PackageExport.MaxRows).ToListAsync(cancellationToken);
        return TypedResults.File(Encoding.UTF8.GetBytes(PackageExport.Csv(rows, zone)), "text/csv; charset=utf-8", "packages.csv");
    }

    private static async Task<Results<Ok<PackagesSeeded>, ApiError>> SeedAsync(
        HttpContext http, ShoppingGuard guard, DemoPackages demo, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        try
        {
            return TypedResults.Ok(new PackagesSeeded(await demo.SeedAsync(principal.UserId!, cancellationToken)));
        }
        catch (PostgresException failed) when (failed.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return ApiError.Unauthorized("The account does not exist any more");
        }
    }
}
