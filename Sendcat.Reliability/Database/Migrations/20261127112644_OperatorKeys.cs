using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.Reliability.Database.Migrations
{
    /// <inheritdoc />
    public partial class OperatorKeys : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "reason",
                schema: "reliability",
                table: "operator_audit",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "operator_keys",
                schema: "reliability",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    role = table.Column<string>(type: "text", nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    made_by = table.Column<string>(type: "text", nullable: false),
                    made_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    revoked_by = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_operator_keys", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_operator_keys_hash",
                schema: "reliability",
                table: "operator_keys",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_operator_keys_name",
                schema: "reliability",
                table: "operator_keys",
                column: "name",
                unique: true,
                filter: "revoked_at IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "operator_keys",
                schema: "reliability");

            migrationBuilder.DropColumn(
                name: "reason",
                schema: "reliability",
                table: "operator_audit");
        }
    }
}
