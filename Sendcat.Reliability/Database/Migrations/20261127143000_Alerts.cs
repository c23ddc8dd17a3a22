using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.Alerts;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Alerts, the messages about them, and which program judges. Nothing maps them: they are read and written by SQL.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127143000_Alerts")]
public sealed class AlertsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(AlertTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(AlertTable.Drop);
}
