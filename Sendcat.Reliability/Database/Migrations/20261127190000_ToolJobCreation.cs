using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>The jobs of a window are found by their creation. They are inserted in its order, so an index of ranges is enough.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127190000_ToolJobCreation")]
public sealed class ToolJobCreationMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "CREATE INDEX tool_jobs_created ON reliability.tool_jobs USING brin (created_at) WITH (autosummarize = on)");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP INDEX reliability.tool_jobs_created");
}
