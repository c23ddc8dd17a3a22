using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Sendcat.Reliability.Idempotency;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>The inbox of webhooks.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261126180000_WebhookInbox")]
public sealed class WebhookInboxMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(InboxTable.Create);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(InboxTable.Drop);
}
