using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.UnitTests.Architecture;

/// <summary>The migrations lead to the model that the entities describe. The tables of ASP.NET Core Identity are mapped by hand.</summary>
public sealed class MigrationTests
{
    [Fact]
    public void The_model_of_the_API_has_no_pending_changes()
    {
        using var db = new DesignTime().CreateDbContext([]);

        Assert.False(db.Database.HasPendingModelChanges());
    }
}
