using System;
using System.Text.Json;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class ShareSnapshots : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "share_id",
                table: "threads",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "includes_attachments",
                table: "shared_threads",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "includes_reasoning",
                table: "shared_threads",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "model_id",
                table: "shared_threads",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "shared_at",
                table: "shared_threads",
                type: "timestamp with time zone",
                nullable: false,
                defaultValue: new DateTimeOffset(new DateTime(1, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)));

            migrationBuilder.AddColumn<string>(
                name: "title",
                table: "shared_threads",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "shared_messages",
                columns: table => new
                {
                    share_id = table.Column<Guid>(type: "uuid", nullable: false),
                    place = table.Column<long>(type: "bigint", nullable: false),
                    role = table.Column<string>(type: "text", nullable: false),
                    content = table.Column<string>(type: "text", nullable: false),
                    model_id = table.Column<string>(type: "text", nullable: true),
                    status = table.Column<string>(type: "text", nullable: true),
                    reasoning_content = table.Column<string>(type: "text", nullable: true),
                    attachments = table.Column<JsonElement>(type: "jsonb", nullable: true),
                    products = table.Column<JsonElement>(type: "jsonb", nullable: true),
                    sources = table.Column<JsonElement>(type: "jsonb", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_shared_messages", x => new { x.share_id, x.place });
                    table.ForeignKey(
                        name: "fk_shared_messages_shared_threads_share_id",
                        column: x => x.share_id,
                        principalTable: "shared_threads",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_threads_share_id",
                table: "threads",
                column: "share_id");

            // A link that is active now gets the snapshot of this moment.
            migrationBuilder.Sql(
                """
                update shared_threads s set shared_at = s.created_at, title = t.title, model_id = t.model_id from threads t where t.id = s.thread_id;

                insert into shared_messages (share_id, place, role, content, model_id, status, products, sources, created_at)
                select s.id, row_number() over (partition by s.id order by m.seq), m.role, m.content, m.model_id, m.status, m.products, m.sources, m.created_at
                from shared_threads s join messages m on m.thread_id = s.thread_id
                where not s.is_revoked and m.role in ('user', 'assistant') and m.status is distinct from 'streaming' and (m.content <> '' or m.products is not null);

                -- The names of a user's lists differ, whatever their case. Later ones of equal names get a number.
                update favorite_lists l set name = left(l.name, 90) || ' (' || d.number || ')'
                from (select id, row_number() over (partition by user_id, lower(name) order by created_at, id) as number from favorite_lists) d
                where d.id = l.id and d.number > 1;

                create unique index ix_favorite_lists_user_id_lower_name on favorite_lists (user_id, lower(name));
                """);

            migrationBuilder.AddForeignKey(
                name: "fk_threads_shared_thread_share_id",
                table: "threads",
                column: "share_id",
                principalTable: "shared_threads",
                principalColumn: "id",
                onDelete: ReferentialAction.SetNull);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("drop index ix_favorite_lists_user_id_lower_name");
            migrationBuilder.DropForeignKey(
                name: "fk_threads_shared_thread_share_id",
                table: "threads");

            migrationBuilder.DropTable(
                name: "shared_messages");

            migrationBuilder.DropIndex(
                name: "ix_threads_share_id",
                table: "threads");

            migrationBuilder.DropColumn(
                name: "share_id",
                table: "threads");

            migrationBuilder.DropColumn(
                name: "includes_attachments",
                table: "shared_threads");

            migrationBuilder.DropColumn(
                name: "includes_reasoning",
                table: "shared_threads");

            migrationBuilder.DropColumn(
                name: "model_id",
                table: "shared_threads");

            migrationBuilder.DropColumn(
                name: "shared_at",
                table: "shared_threads");

            migrationBuilder.DropColumn(
                name: "title",
                table: "shared_threads");
        }
    }
}
