using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.ToolJobs.Bulk;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Changes of many dead letters, and indexes for their search.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127150000_DeadLetterChanges")]
public sealed class DeadLetterChangesMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(BulkTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(BulkTable.Drop);
}
