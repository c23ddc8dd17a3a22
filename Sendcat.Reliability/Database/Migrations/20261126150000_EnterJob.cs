using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>The function that enqueues a job in the transaction of its caller.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261126150000_EnterJob")]
public sealed class EnterJobMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(JobEntry.CreateFunction);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(JobEntry.DropFunction);
}
