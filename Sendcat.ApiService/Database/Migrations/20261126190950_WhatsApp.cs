using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class WhatsApp : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "undeliverable_addresses",
                columns: table => new
                {
                    digest = table.Column<string>(type: "text", nullable: false),
                    reported_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    complained = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_undeliverable_addresses", x => x.digest);
                });

            migrationBuilder.CreateTable(
                name: "whatsapp_linking_codes",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    code = table.Column<string>(type: "text", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_whatsapp_linking_codes", x => x.user_id);
                    table.ForeignKey(
                        name: "fk_whatsapp_linking_codes_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "whatsapp_links",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    phone = table.Column<string>(type: "text", nullable: true),
                    business_user_id = table.Column<string>(type: "text", nullable: true),
                    connected_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_message_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_whatsapp_links", x => x.user_id);
                    table.CheckConstraint("ck_whatsapp_links_identity", "phone is not null or business_user_id is not null");
                    table.ForeignKey(
                        name: "fk_whatsapp_links_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "whatsapp_replies",
                columns: table => new
                {
                    key = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    attempted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    message_id = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_whatsapp_replies", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "whatsapp_statuses",
                columns: table => new
                {
                    message_id = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<int>(type: "integer", nullable: false),
                    error_code = table.Column<int>(type: "integer", nullable: true),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_whatsapp_statuses", x => x.message_id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_undeliverable_addresses_reported_at",
                table: "undeliverable_addresses",
                column: "reported_at");

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_linking_codes_code",
                table: "whatsapp_linking_codes",
                column: "code",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_linking_codes_expires_at",
                table: "whatsapp_linking_codes",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_links_business_user_id",
                table: "whatsapp_links",
                column: "business_user_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_links_phone",
                table: "whatsapp_links",
                column: "phone",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_replies_created_at",
                table: "whatsapp_replies",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_whatsapp_statuses_updated_at",
                table: "whatsapp_statuses",
                column: "updated_at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "undeliverable_addresses");

            migrationBuilder.DropTable(
                name: "whatsapp_linking_codes");

            migrationBuilder.DropTable(
                name: "whatsapp_links");

            migrationBuilder.DropTable(
                name: "whatsapp_replies");

            migrationBuilder.DropTable(
                name: "whatsapp_statuses");
        }
    }
}
