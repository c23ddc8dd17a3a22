using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.Schedule;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>The jobs that run at intervals, with their last and next runs.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261126190000_ScheduledJobs")]
public sealed class ScheduledJobsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ScheduleTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(ScheduleTable.Drop);
}
