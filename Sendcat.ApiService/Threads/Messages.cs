using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads.Events;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Appends and deletes user messages. It runs for every chat turn, so each operation is one SQL statement and one round trip.
/// </summary>
internal sealed class Messages(RequestDatabase source, Quotas quotas, ThreadSignals signals, TimeProvider time)
{
    private const string AppendOfUser = $"""
        -- append message
        WITH owned AS (SELECT coalesce(sum(owned.bytes), 0) AS bytes FROM {Usage.OfUser}),
        {Append}
        """;

    private const string AppendOfGuest = $"""
        -- append message
        WITH owned AS (SELECT coalesce(sum(owned.bytes), 0) AS bytes FROM {Usage.OfGuest}),
        {Append}
        """;

    // $1 and $2: see Usage.Parameters. $3: id of the message. $4: id of the thread. $5 … $8: content, attachments, client id and time of
    // the message. $9 and $10: the quotas of messages and bytes. $11: messages that must still fit after this one. $12: the title of the
    // thread if it has none yet. Result: whether the
    // thread exists, whether the quota of messages has room, whether that of bytes has room, whether the message was added, and the bytes
    // of all threads of the principal before.
    private const string Append = """
        thread AS (
          SELECT t.id, t.message_count + 1 + $11 <= $9 AS has_messages,
            owned.bytes + octet_length($5) + coalesce(octet_length($6::text), 0) <= $10 AS has_bytes
          FROM threads t CROSS JOIN owned WHERE t.id = $4
        ), bumped AS (
          UPDATE threads t SET last_message_at = greatest(t.last_message_at, $8), title = coalesce(t.title, $12) FROM thread
            WHERE t.id = thread.id AND thread.has_messages AND thread.has_bytes RETURNING t.id
        ), added AS (
          INSERT INTO messages (id, thread_id, role, content, status, attachments, client_id, created_at)
          SELECT $3, id, 'user', $5, 'completed', $6, $7, $8 FROM bumped
          ON CONFLICT DO NOTHING
          RETURNING id
        )
        SELECT EXISTS (SELECT FROM thread), (SELECT has_messages FROM thread), (SELECT has_bytes FROM thread),
          EXISTS (SELECT FROM added), (SELECT bytes FROM owned)::bigint
        """;

    private const string FindByClientId = """
        -- find message by client id
        SELECT id, content, attachments, edits FROM messages WHERE thread_id = $1 AND client_id = $2
        """;

    /// <summary>
    /// The id of a message with a client's id: derived from the thread and that id, which is the idempotency key, so that requests with it,
    /// also those of <c>POST /api/chat</c>, store the message once.
    /// </summary>
    public static Guid IdOf(Guid threadId, string clientId) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{threadId}/{clientId}")).AsSpan(0, 16), bigEndian: true);

    /// <summary>
    /// Appends a user message and updates the time of the thread's last message. A client id that the thread already has appends nothing.
    /// </summary>
    /// <param name="attachments">The files of the message.</param>
    /// <returns>
    /// The message's id and whether it is new; 409 beyond a quota, and for a client id of a message with another text or other files. Null
    /// when the thread does not exist.
    /// </returns>
    public async Task<Outcome<Appended>?> AppendAsync(
        Guid threadId, Principal principal, string content, IReadOnlyList<MessageAttachment> attachments, string? clientId,
        CancellationToken cancellationToken)
    {
        var attachmentsJson = MessageAttachment.Write(attachments);
        var now = time.Now();
        var id = clientId is null ? Guid.CreateVersion7(now) : IdOf(threadId, clientId);
        var quota = quotas.Of(principal);
        bool hasMessages, hasBytes;
        await using var connection = await source.OpenAsync(cancellationToken);
        await using (var command = connection.CreateCommand(principal.UserId is null ? AppendOfGuest : AppendOfUser))
        {
            command.Parameters.AddRange(Usage.Parameters(principal, quota));
            command.Parameters.Add(new() { Value = id });
            command.Parameters.Add(new() { Value = threadId });
            command.Parameters.Add(new() { Value = content });
            command.Parameters.Add(new() { Value = (object?)attachmentsJson ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
            command.Parameters.Add(new() { Value = (object?)clientId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            command.Parameters.Add(new() { Value = now });
            command.Parameters.Add(new() { Value = quota.Messages });
            command.Parameters.Add(new() { Value = quota.Bytes });
            command.Parameters.Add(new() { Value = Quotas.RoomForAnswer });
            command.Parameters.Add(
                new() { Value = (object?)ThreadRules.TitleOf(content) ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            await reader.ReadAsync(CancellationToken.None);
            if (!reader.GetBoolean(0))
            {
                return null;
            }

            (hasMessages, hasBytes) = (reader.GetBoolean(1), reader.GetBoolean(2));
            quotas.CacheUsage(principal, reader.GetInt64(4) + content.Length);
            if (reader.GetBoolean(3))
            {
                signals.Changed(threadId);
                return new Appended(id, IsNew: true);
            }
        }

        // The message was sent before, or a quota has no room. An earlier message with this client id is returned regardless of the quotas.
        if (clientId is not null && await RepeatedAsync(connection, threadId, content, attachments, clientId) is { } repeated)
        {
            return repeated;
        }

        return !hasMessages ? Quotas.TooManyMessages() : !hasBytes ? Quotas.TooManyBytes() : (Outcome<Appended>?)null;
    }

    /// <summary>Looks for the message that a request repeats whose files do not all exist any more.</summary>
    /// <param name="storageIds">The files that the request names.</param>
    /// <returns>As of <see cref="AppendAsync"/>; null when no message of the thread has the client id.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<Outcome<Appended>?> RepeatedAsync(
        Guid threadId, string content, IEnumerable<string?> storageIds, string clientId, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenAsync(cancellationToken);
        return await RepeatedAsync(
            connection, threadId, content,
            [.. storageIds.Distinct(StringComparer.OrdinalIgnoreCase).Select(id => new MessageAttachment(id, null, null, null, null))],
            clientId);
    }

    private static async Task<Outcome<Appended>?> RepeatedAsync(
        BoundedConnection connection, Guid threadId, string content, IReadOnlyList<MessageAttachment> attachments, string clientId)
    {
        await using var earlier = connection.CreateCommand(FindByClientId);
        earlier.Parameters.Add(new() { Value = threadId });
        earlier.Parameters.Add(new() { Value = clientId });
        await using var reader = await earlier.ExecuteReaderAsync(CancellationToken.None);
        if (!await reader.ReadAsync(CancellationToken.None))
        {
            return null;
        }

        var files = await reader.IsDBNullAsync(2, CancellationToken.None) ? null : reader.GetString(2);
        var edits = await reader.IsDBNullAsync(3, CancellationToken.None) ? null : reader.GetString(3);
        return Repeated(reader.GetGuid(0), reader.GetString(1), files, edits, StorableText.Sanitize(content), attachments);
    }

    /// <summary>
    /// A request with a known client id: the same message again, or a conflict, since this request never edits. It follows the rules of an
    /// idempotency key.
    /// </summary>
    private static Outcome<Appended> Repeated(
        Guid id, string storedText, string? storedFiles, string? edits, string content, IReadOnlyList<MessageAttachment> attachments)
    {
        if (storedText == content && HasFiles(MessageAttachment.Read(storedFiles)))
        {
            return new Appended(id, IsNew: false);
        }

        return ReplacedVersion.Read(edits).Any(version => version.HasText(content) && HasFiles(version.Attachments ?? []))
            ? ApiError.Conflict("The message was edited since") with { Reason = RefusalReason.MessageEdited }
            : ApiError.Conflict("clientId belongs to a message with another text or other files");

        bool HasFiles(IReadOnlyList<MessageAttachment> files) =>
            files.Count == attachments.Count && files.Zip(attachments).All(pair => pair.First.HasContentOf(pair.Second));
    }

    // A statement of its own: one that waits for the lock does not see what the transaction that held it has inserted.
    private const string LockThread = """
        -- lock thread
        SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        """;

    /// <summary>
    /// The first command of a batch that deletes messages of the thread: the next one sees all messages that were committed before.
    /// </summary>
    public static NpgsqlBatchCommand LockThreadCommand(Guid threadId) => new(LockThread) { Parameters = { new() { Value = threadId } } };

    /// <summary>
    /// SQL that follows a CTE <c>gone</c> with the ids of the deleted messages of thread $1. It deletes the turns that wrote or answered
    /// them, and marks a turn that still writes as aborted.
    /// </summary>
    public const string DeleteTurns = """
        ended as (
          delete from stream_sessions s using gone
          where s.thread_id = $1 and (s.message_id = gone.id or s.user_message_id = gone.id) and s.status <> 'streaming'
        ),
        aborted as (update stream_sessions s set status = 'aborted', ended_at = clock_timestamp() from gone
          where s.thread_id = $1 and s.message_id = gone.id and s.status = 'streaming')
        """;

    /// <summary>
    /// Deletes all messages after this one, and the turns that wrote them. A turn that still writes is marked as aborted.
    /// </summary>
    /// <returns>The number of deleted messages, or null if the message is not in the thread.</returns>
    public async Task<int?> DeleteAfterAsync(Guid threadId, Guid messageId, CancellationToken cancellationToken)
    {
        const string Sql = $"""
            -- delete messages after
            WITH anchor AS (SELECT m.seq FROM messages m WHERE m.thread_id = $1 AND m.id = $2),
                 gone AS (DELETE FROM messages m USING anchor WHERE m.thread_id = $1 AND m.seq > anchor.seq RETURNING m.id),
                 {DeleteTurns}
            SELECT CASE WHEN EXISTS (SELECT FROM anchor) THEN (SELECT count(*)::int FROM gone) END
            """;
        await using var connection = await source.OpenAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(LockThreadCommand(threadId));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql) { Parameters = { new() { Value = threadId }, new() { Value = messageId } } });
        int? deleted;
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            await reader.NextResultAsync(CancellationToken.None);
            deleted = await reader.ReadAsync(CancellationToken.None) && !await reader.IsDBNullAsync(0, CancellationToken.None)
                ? reader.GetInt32(0)
                : null;
        }

        if (deleted > 0)
        {
            signals.Changed(threadId);
        }

        return deleted;
    }
}

/// <param name="Id">The id of the message.</param>
/// <param name="IsNew">False: a message with the same client id existed before.</param>
internal sealed record Appended(Guid Id, bool IsNew);
