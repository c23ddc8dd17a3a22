using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.ApiService.WhatsApp;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>The changes of phone numbers that Meta has reported. Nothing maps them: SQL reads and writes them.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261128010000_WhatsAppNumberChanges")]
public sealed class WhatsAppNumberChangesMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(NumberChangeTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(NumberChangeTable.Drop);
}
