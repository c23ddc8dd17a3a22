using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class RevokedFamilies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "revoked_families",
                columns: table => new
                {
                    family_id = table.Column<Guid>(type: "uuid", nullable: false),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_revoked_families", x => x.family_id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_revoked_families_revoked_at",
                table: "revoked_families",
                column: "revoked_at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "revoked_families");
        }
    }
}
