using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Sendcat.Reliability.Database.Migrations
{
    /// <inheritdoc />
    public partial class Foundation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "reliability");

            migrationBuilder.CreateTable(
                name: "knob_overrides",
                schema: "reliability",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false),
                    value = table.Column<string>(type: "text", nullable: false),
                    actor = table.Column<string>(type: "text", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_knob_overrides", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "operator_audit",
                schema: "reliability",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    actor = table.Column<string>(type: "text", nullable: false),
                    action = table.Column<string>(type: "text", nullable: false),
                    target = table.Column<string>(type: "text", nullable: false),
                    before = table.Column<string>(type: "text", nullable: true),
                    after = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_operator_audit", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "rate_limit_alerts",
                schema: "reliability",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    alert_key = table.Column<string>(type: "text", nullable: false),
                    bucket = table.Column<string>(type: "text", nullable: false),
                    outcome = table.Column<string>(type: "text", nullable: false),
                    threshold = table.Column<int>(type: "integer", nullable: false),
                    observed = table.Column<int>(type: "integer", nullable: false),
                    window_minutes = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rate_limit_alerts", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "rate_limit_events",
                schema: "reliability",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    source = table.Column<string>(type: "text", nullable: false),
                    bucket = table.Column<string>(type: "text", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    outcome = table.Column<string>(type: "text", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: true),
                    retry_after_ms = table.Column<int>(type: "integer", nullable: true),
                    path = table.Column<string>(type: "text", nullable: true),
                    method = table.Column<string>(type: "text", nullable: true),
                    dedupe_key = table.Column<string>(type: "text", nullable: false),
                    hits = table.Column<int>(type: "integer", nullable: false, defaultValue: 1),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rate_limit_events", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_operator_audit_created_at",
                schema: "reliability",
                table: "operator_audit",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_operator_audit_target_created_at",
                schema: "reliability",
                table: "operator_audit",
                columns: new[] { "target", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_alerts_alert_key",
                schema: "reliability",
                table: "rate_limit_alerts",
                column: "alert_key",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_alerts_created_at",
                schema: "reliability",
                table: "rate_limit_alerts",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_alerts_expires_at",
                schema: "reliability",
                table: "rate_limit_alerts",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_events_bucket_created_at",
                schema: "reliability",
                table: "rate_limit_events",
                columns: new[] { "bucket", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_events_dedupe_key",
                schema: "reliability",
                table: "rate_limit_events",
                column: "dedupe_key",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_events_expires_at",
                schema: "reliability",
                table: "rate_limit_events",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_rate_limit_events_outcome_created_at",
                schema: "reliability",
                table: "rate_limit_events",
                columns: new[] { "outcome", "created_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "knob_overrides",
                schema: "reliability");

            migrationBuilder.DropTable(
                name: "operator_audit",
                schema: "reliability");

            migrationBuilder.DropTable(
                name: "rate_limit_alerts",
                schema: "reliability");

            migrationBuilder.DropTable(
                name: "rate_limit_events",
                schema: "reliability");
        }
    }
}
