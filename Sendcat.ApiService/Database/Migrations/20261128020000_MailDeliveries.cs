using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>Deliveries of mails, so that a bounce that is reported after a newer delivery does not undo it.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261128020000_MailDeliveries")]
public sealed class MailDeliveries : Migration
{
    // A replica of the version before stores bounces without the column.
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("alter table undeliverable_addresses add delivered boolean not null default false");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        delete from undeliverable_addresses where delivered and not complained;
        alter table undeliverable_addresses drop column delivered;
        """);
}
