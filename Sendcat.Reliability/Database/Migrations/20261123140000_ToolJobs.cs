using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>The tables of the tool queue. Nothing maps them: the ledger speaks SQL.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261123140000_ToolJobs")]
public sealed class ToolJobsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ToolJobTables.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ToolJobTables.Drop);
}
