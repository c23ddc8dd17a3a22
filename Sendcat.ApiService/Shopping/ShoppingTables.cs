using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Packages;

namespace Sendcat.ApiService.Shopping;

/// <summary>Maps favorites and packages. They are deleted together with their user.</summary>
internal sealed class ShoppingTables :
    IEntityTypeConfiguration<FavoriteList>,
    IEntityTypeConfiguration<Favorite>,
    IEntityTypeConfiguration<Package>
{
    public void Configure(EntityTypeBuilder<FavoriteList> list)
    {
        list.ToTable("favorite_lists");
        list.HasOne<SendcatUser>().WithMany().HasForeignKey(l => l.UserId).OnDelete(DeleteBehavior.Cascade);
        list.HasIndex(l => l.UserId);
    }

    public void Configure(EntityTypeBuilder<Favorite> favorite)
    {
        favorite.ToTable("favorites", table => table.HasCheckConstraint("ck_favorites_type", "type in ('product', 'brand')"));
        favorite.HasOne<SendcatUser>().WithMany().HasForeignKey(f => f.UserId).OnDelete(DeleteBehavior.Cascade);
        favorite.HasOne<FavoriteList>().WithMany().HasForeignKey(f => f.ListId).OnDelete(DeleteBehavior.Cascade);
        // A product or brand may be in several lists, and at most once outside of all lists.
        favorite.HasIndex(f => new { f.UserId, f.ListId, f.Type, f.ExternalId }).IsUnique().AreNullsDistinct(false);
        favorite.HasIndex(f => new { f.UserId, f.CreatedAt, f.Id });
        favorite.HasIndex(f => f.ListId);
    }

    public void Configure(EntityTypeBuilder<Package> package)
    {
        package.ToTable("packages", table => table.HasCheckConstraint(
            "ck_packages_status", "status in ('warehouse', 'in_transit', 'ready_for_pickup', 'delivered')"));
        package.HasOne<SendcatUser>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
        package.Property(p => p.Weight).HasPrecision(10, 2);
        package.Property(p => p.Cost).HasPrecision(14, 2);
        package.HasIndex(p => new { p.UserId, p.TrackingNumber }).IsUnique();
        package.HasIndex(p => new { p.UserId, p.CreatedAt, p.Id });
        package.HasIndex(p => new { p.UserId, p.Status });
        // A package that the warehouse reports belongs to one user.
        package.HasIndex(p => p.TrackingNumber).IsUnique().HasFilter("reported_at is not null").HasDatabaseName("ix_packages_reported");
    }
}

/// <summary>The tables of <see cref="ShoppingTables"/>.</summary>
internal static class ShoppingSets
{
    extension(SendcatDb db)
    {
        public DbSet<FavoriteList> FavoriteLists => db.Set<FavoriteList>();

        public DbSet<Favorite> Favorites => db.Set<Favorite>();

        public DbSet<Package> Packages => db.Set<Package>();
    }
}
