using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class AccountDeletions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "sha256",
                table: "attachments",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "account_deletions",
                columns: table => new
                {
                    user_id = table.Column<string>(type: "text", nullable: false),
                    address = table.Column<string>(type: "text", nullable: false),
                    normalized_address = table.Column<string>(type: "text", nullable: false),
                    requested_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    taken_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_account_deletions", x => x.user_id);
                    table.ForeignKey(
                        name: "fk_account_deletions_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            // Deletions of accounts left what began meanwhile. The lock keeps requests that still run from adding such rows before the
            // foreign keys refuse them. The trigger for messages that lost all their files did not exist.
            migrationBuilder.Sql(
                """
                lock table threads, attachments in share row exclusive mode;
                delete from threads t where user_id is not null and not exists (select from users u where u.id = t.user_id);
                delete from attachments a where user_id is not null and not exists (select from users u where u.id = a.user_id);
                delete from message_attachments l using messages m
                where m.id = l.message_id and (m.attachments is null or jsonb_typeof(m.attachments) <> 'array');

                create or replace function link_message_attachments() returns trigger language plpgsql as $$
                declare
                  ids uuid[] := array(
                    select distinct (file ->> 'storageId')::uuid
                    from jsonb_array_elements(case jsonb_typeof(new.attachments) when 'array' then new.attachments else '[]' end) file
                    where jsonb_typeof(file) = 'object'
                      and file ->> 'storageId' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$');
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

                drop trigger messages_rename_attachments on messages;
                create trigger messages_rename_attachments after update of attachments on messages for each row
                  when (new.attachments is distinct from old.attachments) execute function link_message_attachments();
                """);

            migrationBuilder.AddForeignKey(
                name: "fk_attachments_sendcat_user_user_id",
                table: "attachments",
                column: "user_id",
                principalTable: "users",
                principalColumn: "id",
                onDelete: ReferentialAction.Cascade);

            migrationBuilder.AddForeignKey(
                name: "fk_threads_users_user_id",
                table: "threads",
                column: "user_id",
                principalTable: "users",
                principalColumn: "id",
                onDelete: ReferentialAction.Cascade);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                drop trigger messages_rename_attachments on messages;
                create trigger messages_rename_attachments after update of attachments on messages for each row
                  when (new.attachments is distinct from old.attachments and jsonb_typeof(new.attachments) = 'array')
                  execute function link_message_attachments();
                """);

            migrationBuilder.DropForeignKey(
                name: "fk_attachments_sendcat_user_user_id",
                table: "attachments");

            migrationBuilder.DropForeignKey(
                name: "fk_threads_users_user_id",
                table: "threads");

            migrationBuilder.DropTable(
                name: "account_deletions");

            migrationBuilder.DropColumn(
                name: "sha256",
                table: "attachments");
        }
    }
}
