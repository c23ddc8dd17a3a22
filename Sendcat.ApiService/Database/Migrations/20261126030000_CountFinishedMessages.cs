using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>A message that is being written is counted when it ends, and not twice: its thread's row is written once less for every turn.</summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261126030000_CountFinishedMessages")]
public sealed class CountFinishedMessages : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        create or replace function count_added_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count + counted.messages, bytes = t.bytes + counted.bytes
          from (
            select thread_id, count(*) as messages, sum(message_bytes(added::messages)) as bytes from added where status is distinct from 'streaming' group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        create or replace function count_changed_message() returns trigger language plpgsql as $$
        declare
          ended integer := (new.status is distinct from 'streaming')::integer - (old.status is distinct from 'streaming')::integer;
          difference bigint := case when new.status is distinct from 'streaming' then message_bytes(new) else 0 end
            - case when old.status is distinct from 'streaming' then message_bytes(old) else 0 end;
        begin
          if ended <> 0 or difference <> 0 then
            update threads set message_count = message_count + ended, bytes = bytes + difference where id = new.thread_id;
          end if;
          return null;
        end $$;

        create or replace function count_deleted_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count - counted.messages, bytes = t.bytes - counted.bytes
          from (
            select thread_id, count(*) as messages, sum(message_bytes(deleted::messages)) as bytes from deleted where status is distinct from 'streaming' group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        update threads t set message_count = t.message_count - running.messages
        from (select thread_id, count(*) as messages from messages where status = 'streaming' group by thread_id) running
        where t.id = running.thread_id;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        create or replace function count_added_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count + counted.messages, bytes = t.bytes + counted.bytes
          from (
            select thread_id, count(*) as messages, coalesce(sum(message_bytes(added::messages)) filter (where status is distinct from 'streaming'), 0) as bytes from added group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        create or replace function count_changed_message() returns trigger language plpgsql as $$
        declare
          difference bigint := case when new.status is distinct from 'streaming' then message_bytes(new) else 0 end
            - case when old.status is distinct from 'streaming' then message_bytes(old) else 0 end;
        begin
          if difference <> 0 then
            update threads set bytes = bytes + difference where id = new.thread_id;
          end if;
          return null;
        end $$;

        create or replace function count_deleted_messages() returns trigger language plpgsql as $$
        begin
          update threads t set message_count = t.message_count - counted.messages, bytes = t.bytes - counted.bytes
          from (
            select thread_id, count(*) as messages, coalesce(sum(message_bytes(deleted::messages)) filter (where status is distinct from 'streaming'), 0) as bytes from deleted group by thread_id
          ) counted
          where t.id = counted.thread_id;
          return null;
        end $$;

        update threads t set message_count = t.message_count + running.messages
        from (select thread_id, count(*) as messages from messages where status = 'streaming' group by thread_id) running
        where t.id = running.thread_id;
        """);
}
