using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Packages;

namespace Sendcat.ApiService.Database;

/// <summary>Maps favorites and packages. They are deleted together with their user.</summary>
internal static class ShoppingTables
{
    public static void Configure(ModelBuilder builder)
    {
        builder.Entity<FavoriteList>(list =>
        {
            list.HasOne<SendcatUser>().WithMany().HasForeignKey(l => l.UserId).OnDelete(DeleteBehavior.Cascade);
            list.HasIndex(l => l.UserId);
        });

        builder.Entity<Favorite>(favorite =>
        {
            favorite.ToTable("favorites", table => table.HasCheckConstraint("ck_favorites_type", "type in ('product', 'brand')"));
            favorite.HasOne<SendcatUser>().WithMany().HasForeignKey(f => f.UserId).OnDelete(DeleteBehavior.Cascade);
            favorite.HasOne<FavoriteList>().WithMany().HasForeignKey(f => f.ListId).OnDelete(DeleteBehavior.Cascade);
            // A product or brand may be in several lists, and at most once outside of all lists.
            favorite.HasIndex(f => new { f.UserId, f.ListId, f.Type, f.ExternalId }).IsUnique().AreNullsDistinct(false);
            favorite.HasIndex(f => new { f.UserId, f.CreatedAt, f.Id });
            favorite.HasIndex(f => f.ListId);
        });

        builder.Entity<Package>(package =>
        {
            package.ToTable("packages", table => table.HasCheckConstraint(
                "ck_packages_status", "status in ('warehouse', 'in_transit', 'ready_for_pickup', 'delivered')"));
            package.HasOne<SendcatUser>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
            package.Property(p => p.Weight).HasPrecision(10, 2);
            package.Property(p => p.Cost).HasPrecision(14, 2);
            package.HasIndex(p => new { p.UserId, p.TrackingNumber }).IsUnique();
            package.HasIndex(p => new { p.UserId, p.CreatedAt, p.Id });
            package.HasIndex(p => new { p.UserId, p.Status });
        });
    }
}
