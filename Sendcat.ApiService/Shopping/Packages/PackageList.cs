using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>Filter and sort order of a list of a user's packages.</summary>
/// <param name="Search">Text in merchant, tracking number or description, without regard to case; null: no filter.</param>
/// <param name="Status">One of <see cref="PackageStatus.All"/>; null: no filter.</param>
/// <param name="Sort">One of <see cref="Sorts"/>. Each sorts in descending order, with packages without the value last.</param>
internal sealed record PackageList(string? Search, string? Status, string Sort)
{
    /// <summary>Characters.</summary>
    private const int MaxSearchLength = 200;

    private static readonly string[] Sorts = ["newest", "updated", "cost", "weight"];

    public static Outcome<PackageList> Read(string? search, string? status, string? sort) =>
        !StoredText.Fits(search, MaxSearchLength) ? ApiError.InvalidRequest("search is too long")
        : !string.IsNullOrEmpty(status) && !PackageStatus.All.Contains(status)
            ? ApiError.InvalidRequest($"status must be one of {string.Join(", ", PackageStatus.All)}")
        : !string.IsNullOrEmpty(sort) && !Sorts.Contains(sort) ? ApiError.InvalidRequest($"sort must be one of {string.Join(", ", Sorts)}")
        : new PackageList(
            string.IsNullOrWhiteSpace(search) ? null : search.Trim(),
            string.IsNullOrEmpty(status) ? null : status,
            string.IsNullOrEmpty(sort) ? Sorts[0] : sort);

    public async Task<Page<PackageView>> ReadAsync(SendcatDb db, Principal principal, PageCursor? after, int limit, CancellationToken cancellationToken)
    {
        var rows = await After(Of(db, principal), after).Take(limit + 1).ToListAsync(cancellationToken);
        return new([.. rows.Take(limit).Select(PackageView.Of)], rows.Count > limit ? CursorOf(rows[limit - 1]).ToString() : null);
    }

    /// <summary>All packages that match the filter, in the sort order. A guest has none.</summary>
    public IQueryable<Package> Of(SendcatDb db, Principal principal)
    {
        var packages = db.Packages.AsNoTracking().Where(p => p.UserId == principal.UserId);
        if (Status is not null)
        {
            packages = packages.Where(p => p.Status == Status);
        }

        if (Search is not null)
        {
            var words = Search.ToLowerInvariant();
            packages = packages.Where(p =>
                p.Merchant.ToLower().Contains(words) || p.TrackingNumber.ToLower().Contains(words) || p.Description.ToLower().Contains(words));
        }

        return Sort switch
        {
            "updated" => packages.OrderByDescending(p => p.UpdatedAt).ThenByDescending(p => p.Id),
            "cost" => packages.OrderByDescending(p => p.Cost ?? -1m).ThenByDescending(p => p.Id),
            "weight" => packages.OrderByDescending(p => p.Weight ?? -1m).ThenByDescending(p => p.Id),
            _ => packages.OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id),
        };
    }

    private IQueryable<Package> After(IQueryable<Package> packages, PageCursor? after) => after is null ? packages : Sort switch
    {
        "updated" => packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.UpdatedAt, p.Id), ValueTuple.Create(after.At, after.Id))),
        "cost" => packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.Cost ?? -1m, p.Id), ValueTuple.Create(after.Key, after.Id))),
        "weight" => packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.Weight ?? -1m, p.Id), ValueTuple.Create(after.Key, after.Id))),
        _ => packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.CreatedAt, p.Id), ValueTuple.Create(after.At, after.Id))),
    };

    private PageCursor CursorOf(Package last) => Sort switch
    {
        "updated" => new(Sort, last.UpdatedAt, last.Id),
        "cost" => new(Sort, last.Cost ?? -1m, last.Id),
        "weight" => new(Sort, last.Weight ?? -1m, last.Id),
        _ => new(Sort, last.CreatedAt, last.Id),
    };
}
