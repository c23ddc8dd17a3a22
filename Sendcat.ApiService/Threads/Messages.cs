using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Threads;

/// <summary>Writes what users say. Plain SQL: one round trip each, as often as anyone chats.</summary>
internal sealed class Messages(NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>Appends a user message and moves its thread up. A client id that the thread knows appends nothing.</summary>
    /// <returns>The message's id and whether it is new, or null when the thread is gone.</returns>
    public async Task<(Guid Id, bool IsNew)?> AppendAsync(Guid threadId, string content, IReadOnlyList<Attachment>? attachments, string? clientId, CancellationToken cancellationToken)
    {
        const string Sql = """
            -- append message
            with bumped as (update threads set last_message_at = greatest(last_message_at, $6) where id = $2 returning id),
                 added as (insert into messages (id, thread_id, role, content, status, attachments, client_id, created_at)
                           select $1, id, 'user', $3, 'completed', $4, $5, $6 from bumped
                           on conflict (thread_id, client_id) where client_id is not null do nothing
                           returning id)
            select exists (select from bumped), exists (select from added)
            """;
        var now = time.Now();
        var id = Guid.CreateVersion7(now);
        await using (var command = source.CreateCommand(Sql))
        {
            command.Parameters.Add(new() { Value = id });
            command.Parameters.Add(new() { Value = threadId });
            command.Parameters.Add(new() { Value = content });
            command.Parameters.Add(new() { Value = (object?)Json(attachments) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
            command.Parameters.Add(new() { Value = (object?)clientId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            command.Parameters.Add(new() { Value = now });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            if (!reader.GetBoolean(0))
            {
                return null;
            }

            if (reader.GetBoolean(1))
            {
                return (id, true);
            }
        }

        await using var earlier = source.CreateCommand(
            """
            -- find message by client id
            select id from messages where thread_id = $1 and client_id = $2
            """);
        earlier.Parameters.Add(new() { Value = threadId });
        earlier.Parameters.Add(new() { Value = clientId });
        return await earlier.ExecuteScalarAsync(cancellationToken) is Guid first ? (first, false) : null;
    }

    /// <summary>Follows <c>gone</c>, the ids of deleted messages of thread $1: the turns that wrote them are forgotten, one that still writes is marked aborted.</summary>
    public const string ForgetTurns = """
        ended as (delete from stream_sessions s using gone where s.thread_id = $1 and s.message_id = gone.id and s.status <> 'streaming'),
        aborted as (update stream_sessions s set status = 'aborted', ended_at = clock_timestamp() from gone where s.thread_id = $1 and s.message_id = gone.id and s.status = 'streaming')
        """;

    /// <summary>Deletes everything that follows a message, and forgets the turns that wrote it. A turn that still writes is marked aborted.</summary>
    /// <returns>How many messages went, or null if there is no such message in the thread.</returns>
    public async Task<int?> DeleteAfterAsync(Guid threadId, Guid messageId, CancellationToken cancellationToken)
    {
        const string Sql = $"""
            -- delete messages after
            with anchor as (select seq from messages where id = $2 and thread_id = $1),
                 gone as (delete from messages m using anchor where m.thread_id = $1 and m.seq > anchor.seq returning m.id),
                 {ForgetTurns}
            select case when exists (select from anchor) then (select count(*)::int from gone) end
            """;
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new() { Value = threadId });
        command.Parameters.Add(new() { Value = messageId });
        return await command.ExecuteScalarAsync(cancellationToken) as int?;
    }

    public static string? Json(IReadOnlyList<Attachment>? attachments) =>
        attachments is null or [] ? null : JsonSerializer.Serialize(attachments, AttachmentJson.Default.IReadOnlyListAttachment);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<Attachment>))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
