using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>
/// Threads count their messages and what these take. The triggers see every path that writes messages. A message that is being written counts as one of no bytes until it ends, so that the checkpoints of a
/// running turn cost nothing: the condition of the trigger leaves them out.
/// </summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261125220000_ThreadUsage")]
public sealed class ThreadUsageMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        alter table threads add message_count integer not null default 0, add bytes bigint not null default 0;

        create function message_bytes(m messages) returns bigint language sql immutable as $$
          select octet_length(m.content)::bigint + coalesce(octet_length(m.reasoning_content), 0) + coalesce(octet_length(m.attachments::text), 0)
            + coalesce(octet_length(m.tool_calls::text), 0) + coalesce(octet_length(m.products::text), 0)
        $$;

        update threads t set message_count = counted.messages, bytes = counted.bytes
        from (
          select thread_id, count(*) as messages, coalesce(sum(message_bytes(m)) filter (where status is distinct from 'streaming'), 0) as bytes from messages m group by thread_id
        ) counted
        where t.id = counted.thread_id;

        create function count_added_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count + counted.messages, bytes = t.bytes + counted.bytes
          from (
            select thread_id, count(*) as messages, coalesce(sum(message_bytes(added::messages)) filter (where status is distinct from 'streaming'), 0) as bytes from added group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        create function count_changed_message() returns trigger language plpgsql as $$
        declare
          difference bigint := case when new.status is distinct from 'streaming' then message_bytes(new) else 0 end
            - case when old.status is distinct from 'streaming' then message_bytes(old) else 0 end;
        begin
          if difference <> 0 then
            update threads set bytes = bytes + difference where id = new.thread_id;
          end if;
          return null;
        end $$;

        create function count_deleted_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count - counted.messages, bytes = t.bytes - counted.bytes
          from (
            select thread_id, count(*) as messages, coalesce(sum(message_bytes(deleted::messages)) filter (where status is distinct from 'streaming'), 0) as bytes from deleted group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        create trigger messages_added after insert on messages referencing new table as added for each statement execute function count_added_messages();
        create trigger messages_changed after update on messages for each row
          when (new.status is distinct from 'streaming' or old.status is distinct from 'streaming') execute function count_changed_message();
        create trigger messages_deleted after delete on messages referencing old table as deleted for each statement execute function count_deleted_messages();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        drop trigger messages_added on messages;
        drop trigger messages_changed on messages;
        drop trigger messages_deleted on messages;
        drop function count_added_messages, count_changed_message, count_deleted_messages, message_bytes(messages);
        alter table threads drop message_count, drop bytes;
        """);
}
