using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>
/// Checkpoints of a running turn add parts instead of rewriting the text of its message. The turn itself closes its message with the whole
/// text. Every other statement that closes a message changes its status alone; then the trigger appends the parts to the text, before the
/// message is counted.
/// </summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261126123000_MessageParts")]
public sealed class MessageParts : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        create table message_parts (
          message_id uuid not null,
          number integer not null,
          content text not null,
          reasoning_content text,
          constraint pk_message_parts primary key (message_id, number),
          constraint fk_message_parts_messages_message_id foreign key (message_id) references messages (id) on delete cascade
        );

        create function append_message_parts() returns trigger language plpgsql as $$
        declare
          added record;
        begin
          with gone as (delete from message_parts where message_id = new.id returning number, content, reasoning_content)
          select string_agg(content, '' order by number) as content, string_agg(reasoning_content, '' order by number) as reasoning_content into added from gone;
          new.content := new.content || coalesce(added.content, '');
          if added.reasoning_content is not null then
            new.reasoning_content := coalesce(new.reasoning_content, '') || added.reasoning_content;
          end if;
          return new;
        end $$;

        create trigger messages_closed before update on messages for each row
          when (
            old.status = 'streaming' and new.status is distinct from 'streaming' and new.content = old.content
            and new.reasoning_content is not distinct from old.reasoning_content and new.tool_calls is not distinct from old.tool_calls
          )
          execute function append_message_parts();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        drop trigger messages_closed on messages;
        drop function append_message_parts;
        drop table message_parts;
        """);
}
