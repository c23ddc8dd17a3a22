using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class Attachments : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "attachments",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<string>(type: "text", nullable: true),
                    session_id = table.Column<string>(type: "text", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    type = table.Column<string>(type: "text", nullable: false),
                    size = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    stored_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    attached_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_attachments", x => x.id);
                    table.CheckConstraint("ck_attachments_owner", "user_id is not null or session_id is not null");
                });

            migrationBuilder.CreateTable(
                name: "deleted_attachments",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    deleted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deleted_attachments", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "message_attachments",
                columns: table => new
                {
                    message_id = table.Column<Guid>(type: "uuid", nullable: false),
                    attachment_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_message_attachments", x => new { x.message_id, x.attachment_id });
                    table.ForeignKey(
                        name: "fk_message_attachments_attachments_attachment_id",
                        column: x => x.attachment_id,
                        principalTable: "attachments",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_message_attachments_messages_message_id",
                        column: x => x.message_id,
                        principalTable: "messages",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_attachments_session_id",
                table: "attachments",
                column: "session_id",
                filter: "user_id is null")
                .Annotation("Npgsql:IndexInclude", new[] { "size" });

            migrationBuilder.CreateIndex(
                name: "ix_attachments_unattached",
                table: "attachments",
                column: "created_at",
                filter: "attached_at is null");

            migrationBuilder.CreateIndex(
                name: "ix_attachments_user_id",
                table: "attachments",
                column: "user_id",
                filter: "user_id is not null")
                .Annotation("Npgsql:IndexInclude", new[] { "size" });

            migrationBuilder.CreateIndex(
                name: "ix_deleted_attachments_deleted_at",
                table: "deleted_attachments",
                column: "deleted_at");

            migrationBuilder.CreateIndex(
                name: "ix_message_attachments_attachment_id",
                table: "message_attachments",
                column: "attachment_id");

            // A message names attachments in its column "attachments". The links make every path that writes or deletes messages keep them: an
            // attachment is linked when a message names it, and deleted with its last link. The locks let two transactions that delete the last
            // two links see each other. A name that is no id, or not stored, links nothing, so that no message is ever refused here.
            migrationBuilder.Sql(
                """
                create function link_message_attachments() returns trigger language plpgsql as $$
                declare
                  ids uuid[] := array(
                    select distinct (file ->> 'storageId')::uuid from jsonb_array_elements(new.attachments) file
                    where jsonb_typeof(file) = 'object' and file ->> 'storageId' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$');
                begin
                  perform 1 from attachments where id = any(ids) order by id for no key update;
                  update attachments set attached_at = now() where id = any(ids) and attached_at is null and stored_at is not null;
                  insert into message_attachments (message_id, attachment_id)
                  select new.id, id from attachments where id = any(ids) and stored_at is not null on conflict do nothing;
                  if tg_op = 'UPDATE' then
                    delete from message_attachments where message_id = new.id and attachment_id <> all(ids);
                  end if;
                  return null;
                end $$;

                create function delete_unnamed_attachments() returns trigger language plpgsql as $$
                declare
                  ids uuid[] := array(select distinct attachment_id from unlinked);
                begin
                  perform 1 from attachments where id = any(ids) order by id for update;
                  delete from attachments a where a.id = any(ids) and not exists (select from message_attachments m where m.attachment_id = a.id);
                  return null;
                end $$;

                create function record_deleted_attachments() returns trigger language plpgsql as $$
                begin
                  insert into deleted_attachments (id, deleted_at) select id, now() from deleted on conflict do nothing;
                  return null;
                end $$;

                create trigger messages_name_attachments after insert on messages for each row
                  when (jsonb_typeof(new.attachments) = 'array') execute function link_message_attachments();
                create trigger messages_rename_attachments after update of attachments on messages for each row
                  when (new.attachments is distinct from old.attachments and jsonb_typeof(new.attachments) = 'array') execute function link_message_attachments();
                create trigger attachments_unlinked after delete on message_attachments referencing old table as unlinked
                  for each statement execute function delete_unnamed_attachments();
                create trigger attachments_deleted after delete on attachments referencing old table as deleted
                  for each statement execute function record_deleted_attachments();
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                drop trigger messages_name_attachments on messages;
                drop trigger messages_rename_attachments on messages;
                drop trigger attachments_unlinked on message_attachments;
                drop trigger attachments_deleted on attachments;
                drop function link_message_attachments, delete_unnamed_attachments, record_deleted_attachments;
                """);

            migrationBuilder.DropTable(
                name: "deleted_attachments");

            migrationBuilder.DropTable(
                name: "message_attachments");

            migrationBuilder.DropTable(
                name: "attachments");
        }
    }
}
