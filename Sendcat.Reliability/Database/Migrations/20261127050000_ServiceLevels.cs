using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.Slo;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Service level indicators by minute, and by hour once they are old.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127050000_ServiceLevels")]
public sealed class ServiceLevelsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(SliTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(SliTable.Drop);
}
