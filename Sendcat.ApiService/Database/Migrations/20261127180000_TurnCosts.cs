using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.ApiService.Chat.Record;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>
/// What turns cost: totals on the turn, and a ledger by model that outlives it. Nothing maps them: SQL reads and writes them.
/// </summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261127180000_TurnCosts")]
public sealed class TurnCostsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(TurnCostTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(TurnCostTable.Drop);
}
