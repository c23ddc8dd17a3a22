using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Packages;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Database;

/// <summary>
/// The database of the API: users, threads, messages, turns, favorites and packages. Names are snake_case, times are UTC, the schema is
/// <c>public</c>.
/// </summary>
internal sealed class SendcatDb(DbContextOptions<SendcatDb> options) : IdentityUserContext<SendcatUser>(options)
{
    public const string HistoryTable = "__sendcat_migrations";

    public DbSet<ChatThread> Threads => Set<ChatThread>();

    public DbSet<ChatMessage> Messages => Set<ChatMessage>();

    public DbSet<SharedThread> SharedThreads => Set<SharedThread>();

    public DbSet<StreamSession> StreamSessions => Set<StreamSession>();

    public DbSet<Replica> Replicas => Set<Replica>();

    public DbSet<Profile> Profiles => Set<Profile>();

    public DbSet<RefreshToken> RefreshTokens => Set<RefreshToken>();

    public DbSet<SignInAddress> SignInAddresses => Set<SignInAddress>();

    public DbSet<FavoriteList> FavoriteLists => Set<FavoriteList>();

    public DbSet<Favorite> Favorites => Set<Favorite>();

    public DbSet<Package> Packages => Set<Package>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        IdentityTables.Configure(builder);
        ThreadTables.Configure(builder);
        TurnTables.Configure(builder);
        ShoppingTables.Configure(builder);
    }
}
