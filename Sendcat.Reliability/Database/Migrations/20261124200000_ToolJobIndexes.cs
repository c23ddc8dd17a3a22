using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>What is due is counted, and what died is listed, without walking over all the replays that wait for their time.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261124200000_ToolJobIndexes")]
public sealed class ToolJobIndexesMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE INDEX tool_jobs_due ON reliability.tool_jobs (tool, available_at) WHERE status = 'queued';
        CREATE INDEX tool_jobs_died ON reliability.tool_jobs (dead_letter_at, id) WHERE status = 'dead_letter';
        DROP INDEX reliability.tool_jobs_live_of_principal;
        CREATE INDEX tool_jobs_live_of_principal ON reliability.tool_jobs (tool, principal, available_at) WHERE status IN ('queued', 'running');
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP INDEX reliability.tool_jobs_due;
        DROP INDEX reliability.tool_jobs_died;
        DROP INDEX reliability.tool_jobs_live_of_principal;
        CREATE INDEX tool_jobs_live_of_principal ON reliability.tool_jobs (tool, principal) WHERE status IN ('queued', 'running');
        """);
}
