using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.ApiService.Callers;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>The callers that operators have blocked. Nothing maps them: SQL reads and writes them.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261127190000_CallerBlocks")]
public sealed class CallerBlocksMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(CallerBlockTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(CallerBlockTable.Drop);
}
