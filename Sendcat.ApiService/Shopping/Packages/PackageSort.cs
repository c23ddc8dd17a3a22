using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>An order of a list of packages. Each is descending, with packages without the value last.</summary>
/// <param name="Name">The value of the parameter <c>sort</c>.</param>
/// <param name="Ordered">Orders the packages.</param>
/// <param name="After">The packages that come after the cursor in this order.</param>
/// <param name="CursorOf">The position of a package in this order.</param>
internal sealed record PackageSort(
    string Name,
    Func<IQueryable<Package>, IQueryable<Package>> Ordered,
    Func<IQueryable<Package>, PageCursor, IQueryable<Package>> After,
    Func<Package, PageCursor> CursorOf)
{
    /// <summary>All orders. The first is the default.</summary>
    public static readonly IReadOnlyList<PackageSort> All =
    [
        new(
            "newest",
            packages => packages.OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id),
            (packages, after) =>
                packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.CreatedAt, p.Id), ValueTuple.Create(after.At, after.Id))),
            last => new("newest", last.CreatedAt, last.Id)),
        new(
            "updated",
            packages => packages.OrderByDescending(p => p.UpdatedAt).ThenByDescending(p => p.Id),
            (packages, after) =>
                packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.UpdatedAt, p.Id), ValueTuple.Create(after.At, after.Id))),
            last => new("updated", last.UpdatedAt, last.Id)),
        new(
            "cost",
            packages => packages.OrderByDescending(p => p.Cost ?? -1m).ThenByDescending(p => p.Id),
            (packages, after) =>
                packages.Where(p => EF.Functions.LessThan(ValueTuple.Create(p.Cost ?? -1m, p.Id), ValueTuple.Create(after.Key, after.Id))),
            last => new("cost", last.Cost ?? -1m, last.Id)),
        new(
            "weight",
            packages => packages.OrderByDescending(p => p.Weight ?? -1m).ThenByDescending(p => p.Id),
            (packages, after) => packages.Where(
                p => EF.Functions.LessThan(ValueTuple.Create(p.Weight ?? -1m, p.Id), ValueTuple.Create(after.Key, after.Id))),
            last => new("weight", last.Weight ?? -1m, last.Id)),
    ];

    public static PackageSort? Find(string? name) => string.IsNullOrEmpty(name) ? All[0] : All.FirstOrDefault(sort => sort.Name == name);
}
