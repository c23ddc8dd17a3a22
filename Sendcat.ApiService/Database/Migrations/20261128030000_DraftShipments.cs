using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.ApiService.Orders;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>The merchants' shipments of drafts. Nothing maps them: SQL reads and writes them.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261128030000_DraftShipments")]
public sealed class DraftShipmentsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DraftShipmentTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DraftShipmentTable.Drop);
}
