using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class TurnUserMessages : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "user_message_id",
                table: "stream_sessions",
                type: "uuid",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_stream_sessions_running",
                table: "stream_sessions",
                column: "thread_id",
                filter: "status = 'streaming'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_stream_sessions_running",
                table: "stream_sessions");

            migrationBuilder.DropColumn(
                name: "user_message_id",
                table: "stream_sessions");
        }
    }
}
