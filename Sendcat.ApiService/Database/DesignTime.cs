using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Sendcat.ApiService.Database;

/// <summary>Builds the model for <c>dotnet ef migrations add</c>. It opens no connection.</summary>
internal sealed class DesignTime : IDesignTimeDbContextFactory<SendcatDb>
{
    public SendcatDb CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<SendcatDb>();
        options.UseNpgsql("Host=localhost;Database=sendcatdb");
        Schema.Configure(options);
        return new(options.Options);
    }
}
