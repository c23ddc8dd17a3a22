using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>
/// Jobs are counted from their indexes alone. The added columns change only together with the status, which moves a job to another index
/// anyway: an update that stayed within its page before still does.
/// </summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261128035000_CountedToolJobs")]
public sealed class CountedToolJobsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP INDEX reliability.tool_jobs_due;
        DROP INDEX reliability.tool_jobs_running;
        DROP INDEX reliability.tool_jobs_finished;
        CREATE INDEX tool_jobs_due ON reliability.tool_jobs (tool, available_at) INCLUDE (over_cap) WHERE status = 'queued';
        CREATE INDEX tool_jobs_running ON reliability.tool_jobs (tool, started_at) INCLUDE (over_cap) WHERE status = 'running';
        CREATE INDEX tool_jobs_finished ON reliability.tool_jobs (completed_at) INCLUDE (tool, status, over_cap)
            WHERE completed_at IS NOT NULL;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP INDEX reliability.tool_jobs_due;
        DROP INDEX reliability.tool_jobs_running;
        DROP INDEX reliability.tool_jobs_finished;
        CREATE INDEX tool_jobs_due ON reliability.tool_jobs (tool, available_at) WHERE status = 'queued';
        CREATE INDEX tool_jobs_running ON reliability.tool_jobs (tool) WHERE status = 'running';
        CREATE INDEX tool_jobs_finished ON reliability.tool_jobs (completed_at) WHERE completed_at IS NOT NULL;
        """);
}
