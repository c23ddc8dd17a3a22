using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class ThreadClientIds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "client_id",
                table: "threads",
                type: "text",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_threads_session_id_client_id",
                table: "threads",
                columns: new[] { "session_id", "client_id" },
                unique: true,
                filter: "client_id is not null and user_id is null");

            migrationBuilder.CreateIndex(
                name: "ix_threads_user_id_client_id",
                table: "threads",
                columns: new[] { "user_id", "client_id" },
                unique: true,
                filter: "client_id is not null and user_id is not null");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_threads_session_id_client_id",
                table: "threads");

            migrationBuilder.DropIndex(
                name: "ix_threads_user_id_client_id",
                table: "threads");

            migrationBuilder.DropColumn(
                name: "client_id",
                table: "threads");
        }
    }
}
