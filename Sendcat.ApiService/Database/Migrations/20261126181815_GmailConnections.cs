using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class GmailConnections : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "gmail_connections",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: false),
                    email = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    normalized_email = table.Column<string>(type: "character varying(320)", maxLength: 320, nullable: false),
                    status = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    refresh_token = table.Column<string>(type: "text", nullable: false),
                    access_token = table.Column<string>(type: "text", nullable: true),
                    access_token_expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    history_id = table.Column<long>(type: "bigint", nullable: false),
                    watch_expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    watch_renewed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    last_sync_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    connected_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    sync_token = table.Column<long>(type: "bigint", nullable: false),
                    sync_lease_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_gmail_connections", x => x.id);
                    table.ForeignKey(
                        name: "fk_gmail_connections_sendcat_user_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "gmail_messages",
                columns: table => new
                {
                    connection_id = table.Column<Guid>(type: "uuid", nullable: false),
                    message_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    sync_id = table.Column<Guid>(type: "uuid", nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    available_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    listed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    settled_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    merchant = table.Column<string>(type: "text", nullable: true),
                    path = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_gmail_messages", x => new { x.connection_id, x.message_id });
                    table.ForeignKey(
                        name: "fk_gmail_messages_gmail_connections_connection_id",
                        column: x => x.connection_id,
                        principalTable: "gmail_connections",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "gmail_syncs",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    connection_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: false),
                    kind = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    cause = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    days_back = table.Column<int>(type: "integer", nullable: false),
                    stage = table.Column<int>(type: "integer", nullable: false),
                    page_token = table.Column<string>(type: "text", nullable: true),
                    listed = table.Column<bool>(type: "boolean", nullable: false),
                    history_target = table.Column<long>(type: "bigint", nullable: true),
                    total = table.Column<int>(type: "integer", nullable: false),
                    processed = table.Column<int>(type: "integer", nullable: false),
                    ignored = table.Column<int>(type: "integer", nullable: false),
                    failed = table.Column<int>(type: "integer", nullable: false),
                    drafts_created = table.Column<int>(type: "integer", nullable: false),
                    drafts_updated = table.Column<int>(type: "integer", nullable: false),
                    pre_alerts = table.Column<int>(type: "integer", nullable: false),
                    model_calls = table.Column<int>(type: "integer", nullable: false),
                    error = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    ended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_gmail_syncs", x => x.id);
                    table.ForeignKey(
                        name: "fk_gmail_syncs_gmail_connections_connection_id",
                        column: x => x.connection_id,
                        principalTable: "gmail_connections",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_gmail_connections_normalized_email",
                table: "gmail_connections",
                column: "normalized_email",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_gmail_connections_user_id",
                table: "gmail_connections",
                column: "user_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_gmail_messages_pending",
                table: "gmail_messages",
                columns: new[] { "sync_id", "available_at" },
                filter: "state = 'pending'");

            migrationBuilder.CreateIndex(
                name: "ix_gmail_messages_settled_at",
                table: "gmail_messages",
                column: "settled_at");

            migrationBuilder.CreateIndex(
                name: "ix_gmail_syncs_connection_id_created_at",
                table: "gmail_syncs",
                columns: new[] { "connection_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_gmail_syncs_queued",
                table: "gmail_syncs",
                columns: new[] { "connection_id", "kind" },
                unique: true,
                filter: "state = 'queued'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "gmail_messages");

            migrationBuilder.DropTable(
                name: "gmail_syncs");

            migrationBuilder.DropTable(
                name: "gmail_connections");
        }
    }
}
