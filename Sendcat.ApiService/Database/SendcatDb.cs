using Microsoft.EntityFrameworkCore;

namespace Sendcat.ApiService.Database;

/// <summary>
/// The database of the API. It knows no feature: each feature maps its own entities with an <see cref="IEntityTypeConfiguration{TEntity}"/>
/// and adds its tables as extension properties (<c>ThreadTables</c>, <c>IdentityTables</c>, ...). Names are snake_case, times are UTC, the
/// schema is <c>public</c>.
/// </summary>
internal sealed class SendcatDb(DbContextOptions<SendcatDb> options) : DbContext(options)
{
    public const string HistoryTable = "__sendcat_migrations";

    protected override void OnModelCreating(ModelBuilder builder) => builder.ApplyConfigurationsFromAssembly(typeof(SendcatDb).Assembly);
}
