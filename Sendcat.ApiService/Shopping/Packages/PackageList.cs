using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>Filter and sort order of a list of a user's packages.</summary>
/// <param name="Search">Text in merchant, tracking number or description, without regard to case; null: no filter.</param>
/// <param name="Status">One of <see cref="PackageStatus.All"/>; null: no filter.</param>
/// <param name="Sort">One of <see cref="PackageSort.All"/>.</param>
internal sealed record PackageList(string? Search, string? Status, PackageSort Sort)
{
    /// <summary>Characters.</summary>
    private const int MaxSearchLength = 200;

    public static Outcome<PackageList> Read(string? search, string? status, string? sort) =>
        !StoredText.Fits(search, MaxSearchLength) ? ApiError.InvalidRequest("search is too long")
        : !string.IsNullOrEmpty(status) && !PackageStatus.All.Contains(status)
            ? ApiError.InvalidRequest($"status must be one of {string.Join(", ", PackageStatus.All)}")
        : PackageSort.Find(sort) is not { } order
            ? ApiError.InvalidRequest($"sort must be one of {string.Join(", ", PackageSort.All.Select(known => known.Name))}")
        : new PackageList(
            string.IsNullOrWhiteSpace(search) ? null : search.Trim(),
            string.IsNullOrEmpty(status) ? null : status,
            order);

    public async Task<Page<PackageView>> ReadAsync(
        SendcatDb db, Principal principal, PageCursor? after, int limit, CancellationToken cancellationToken)
    {
        var all = Of(db, principal);
        var rows = await (after is null ? all : Sort.After(all, after)).Take(limit + 1).ToListAsync(cancellationToken);
        return new([.. rows.Take(limit).Select(PackageView.Of)], rows.Count > limit ? Sort.CursorOf(rows[limit - 1]).ToString() : null);
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
                p.Merchant.ToLower().Contains(words)
                    || p.TrackingNumber.ToLower().Contains(words)
                    || p.Description.ToLower().Contains(words));
        }

        return Sort.Ordered(packages);
    }
}
