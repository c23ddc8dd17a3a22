using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.Events;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Marks of incidents. Nothing maps them: they are read and written by SQL.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127191000_IncidentMarks")]
public sealed class IncidentMarksMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(IncidentTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(IncidentTable.Drop);
}
