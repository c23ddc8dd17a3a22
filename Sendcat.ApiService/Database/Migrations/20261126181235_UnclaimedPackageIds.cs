using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class UnclaimedPackageIds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_unclaimed_packages",
                table: "unclaimed_packages");

            migrationBuilder.DropIndex(
                name: "ix_unclaimed_packages_reported_at_tracking_number",
                table: "unclaimed_packages");

            migrationBuilder.AddColumn<Guid>(
                name: "id",
                table: "unclaimed_packages",
                type: "uuid",
                nullable: false,
                defaultValueSql: "gen_random_uuid()");

            migrationBuilder.AddPrimaryKey(
                name: "pk_unclaimed_packages",
                table: "unclaimed_packages",
                column: "id");

            migrationBuilder.CreateIndex(
                name: "ix_unclaimed_packages_reported_at_id",
                table: "unclaimed_packages",
                columns: new[] { "reported_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_unclaimed_packages_tracking_number",
                table: "unclaimed_packages",
                column: "tracking_number",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_unclaimed_packages",
                table: "unclaimed_packages");

            migrationBuilder.DropIndex(
                name: "ix_unclaimed_packages_reported_at_id",
                table: "unclaimed_packages");

            migrationBuilder.DropIndex(
                name: "ix_unclaimed_packages_tracking_number",
                table: "unclaimed_packages");

            migrationBuilder.DropColumn(
                name: "id",
                table: "unclaimed_packages");

            migrationBuilder.AddPrimaryKey(
                name: "pk_unclaimed_packages",
                table: "unclaimed_packages",
                column: "tracking_number");

            migrationBuilder.CreateIndex(
                name: "ix_unclaimed_packages_reported_at_tracking_number",
                table: "unclaimed_packages",
                columns: new[] { "reported_at", "tracking_number" });
        }
    }
}
