using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>Turns without a known price, which are few, are counted without reading the others.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261128035500_UnpricedTurnCosts")]
public sealed class UnpricedTurnCostsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "CREATE INDEX ix_turn_costs_unpriced ON turn_costs (ended_at, stream_id) WHERE cost_micro_usd IS NULL");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP INDEX ix_turn_costs_unpriced");
}
