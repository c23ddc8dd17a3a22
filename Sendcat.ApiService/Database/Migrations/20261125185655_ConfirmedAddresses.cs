using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class ConfirmedAddresses : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Accounts from before addresses had to be confirmed keep what they could do.
            migrationBuilder.Sql("update users set email_confirmed = true");

            migrationBuilder.CreateTable(
                name: "registration_mails",
                columns: table => new
                {
                    address = table.Column<string>(type: "text", nullable: false),
                    mailed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    asked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_registration_mails", x => x.address);
                });

            migrationBuilder.CreateTable(
                name: "sign_in_addresses",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    address = table.Column<string>(type: "text", nullable: false),
                    last_used_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_sign_in_addresses", x => new { x.user_id, x.address });
                    table.ForeignKey(
                        name: "fk_sign_in_addresses_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_registration_mails_asked_at",
                table: "registration_mails",
                column: "asked_at");

            migrationBuilder.CreateIndex(
                name: "ix_sign_in_addresses_last_used_at",
                table: "sign_in_addresses",
                column: "last_used_at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "registration_mails");

            migrationBuilder.DropTable(
                name: "sign_in_addresses");
        }
    }
}
