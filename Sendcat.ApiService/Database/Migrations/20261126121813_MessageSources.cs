using System.Text.Json;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <summary>Messages store the web pages that their searches found; they count like products.</summary>
    public partial class MessageSources : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<JsonElement>(
                name: "sources",
                table: "messages",
                type: "jsonb",
                nullable: true);
            migrationBuilder.Sql(
                """
                create or replace function message_bytes(m messages) returns bigint language sql immutable as $$
                  select octet_length(m.content)::bigint + coalesce(octet_length(m.reasoning_content), 0) + coalesce(octet_length(m.attachments::text), 0)
                    + coalesce(octet_length(m.tool_calls::text), 0) + coalesce(octet_length(m.products::text), 0) + coalesce(octet_length(m.sources::text), 0)
                $$;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                create or replace function message_bytes(m messages) returns bigint language sql immutable as $$
                  select octet_length(m.content)::bigint + coalesce(octet_length(m.reasoning_content), 0) + coalesce(octet_length(m.attachments::text), 0)
                    + coalesce(octet_length(m.tool_calls::text), 0) + coalesce(octet_length(m.products::text), 0)
                $$;
                """);
            migrationBuilder.DropColumn(
                name: "sources",
                table: "messages");
        }
    }
}
