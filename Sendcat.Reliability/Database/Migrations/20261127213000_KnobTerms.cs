using System;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Overrides of knobs that end by themselves.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261127213000_KnobTerms")]
public sealed class KnobTerms : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<DateTimeOffset>(
            name: "until", schema: ReliabilityDb.Schema, table: "knob_overrides", type: "timestamp with time zone", nullable: true);
        migrationBuilder.AddColumn<string>(
            name: "then_value", schema: ReliabilityDb.Schema, table: "knob_overrides", type: "text", nullable: true);
    }

    protected override void Down(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.DropColumn(name: "then_value", schema: ReliabilityDb.Schema, table: "knob_overrides");
        migrationBuilder.DropColumn(name: "until", schema: ReliabilityDb.Schema, table: "knob_overrides");
    }
}
