using System;
using System.Text.Json;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class MessageAnswers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "answers_id",
                table: "messages",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<JsonElement>(
                name: "edits",
                table: "messages",
                type: "jsonb",
                nullable: true);

            // Of older answers with tools only the last message gets it; their others are found by position.
            migrationBuilder.Sql(
                """
                UPDATE messages m SET answers_id = s.user_message_id FROM stream_sessions s
                WHERE s.message_id = m.id AND m.role = 'assistant' AND s.user_message_id IS NOT NULL
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "answers_id",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "edits",
                table: "messages");
        }
    }
}
