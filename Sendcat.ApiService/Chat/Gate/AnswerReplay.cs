using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The events of an answer that has ended, from its rows. Deltas are joined, and what is not stored is left out: the route, usage, and the
/// structured rows of web searches.
/// </summary>
internal sealed class AnswerReplay(RequestDatabase database)
{
    // $1: the thread. $2: the user message. The messages that answer it, and the id of the turn that wrote the last one. Of those of which
    // that is unknown: the messages up to the next user message.
    private const string ReadAnswer = """
        -- read answer of message
        WITH asked AS (SELECT seq FROM messages WHERE id = $2 AND thread_id = $1)
        SELECT m.id, m.role, m.content, m.reasoning_content, m.tool_calls, m.tool_call_id, m.products, m.created_at, m.status,
          (SELECT s.id FROM stream_sessions s WHERE s.thread_id = $1 AND s.message_id = m.id)
        FROM messages m CROSS JOIN asked
        WHERE m.thread_id = $1 AND m.seq > asked.seq AND m.status IS DISTINCT FROM 'streaming' AND m.role <> 'user'
          AND (m.answers_id = $2 OR (m.answers_id IS NULL
            AND m.seq < coalesce(
              (SELECT min(n.seq) FROM messages n WHERE n.thread_id = $1 AND n.role = 'user' AND n.seq > asked.seq), 9223372036854775807)))
        ORDER BY m.seq
        """;

    /// <returns>A completed feed; null if the message has no answer any more.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<TurnFeed?> ReadAsync(Guid threadId, Guid asked, CancellationToken cancellationToken)
    {
        var rows = new List<AnswerRow>();
        await using var connection = await database.OpenAsync(cancellationToken);
        await using (var command = connection.CreateCommand(ReadAnswer))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = asked });
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None))
            {
                rows.Add(new AnswerRow(
                    reader.GetGuid(0), reader.GetString(1), reader.GetString(2), Text(reader, 3), Text(reader, 4), Text(reader, 5),
                    Text(reader, 6),
                    await reader.GetFieldValueAsync<DateTimeOffset>(7, CancellationToken.None), Text(reader, 8), Id(reader, 9)));
            }
        }

        if (!rows.Exists(row => row.Role == "assistant"))
        {
            return null;
        }

        var feed = new TurnFeed();
        foreach (var chatEvent in Events(threadId, rows))
        {
            feed.Add(chatEvent);
        }

        feed.Complete();
        return feed;
    }

    private static IEnumerable<ChatEvent> Events(Guid threadId, List<AnswerRow> rows)
    {
        // Copies of answers, as in forks, have no turn: the id of the message stands for it.
        var stream = StreamIds.Format(rows.FindLast(row => row.Turn is not null)?.Turn ?? rows[^1].Id);
        var step = 0;
        foreach (var row in rows)
        {
            if (row.Role == "tool")
            {
                yield return new ChatEvent.ToolOutput(
                    row.ToolCallId ?? "", row.Content, null, Failed: row.Status is not (null or MessageStatus.Completed));
                continue;
            }

            yield return new ChatEvent.Start(row.Id.ToString(), stream, threadId.ToString(), row.CreatedAt, step++);
            if (!string.IsNullOrEmpty(row.Reasoning))
            {
                yield return new ChatEvent.Reasoning(row.Reasoning);
            }

            if (row.Content.Length > 0)
            {
                yield return new ChatEvent.Content(row.Content);
            }

            var calls = ToolCallsJson.Read(row.ToolCallsJson);
            foreach (var call in calls)
            {
                var isObject = JsonShape.IsObject(call.ArgumentsJson);
                if (isObject || !WasInterrupted(rows, call))
                {
                    yield return new ChatEvent.ToolInputAvailable(call.Id, call.Name, call.ArgumentsJson, isObject);
                    continue;
                }

                // The turn was cut while the model wrote the arguments: they never were complete.
                yield return new ChatEvent.ToolInputStart(call.Id, call.Name);
                if (call.ArgumentsJson.Length > 0)
                {
                    yield return new ChatEvent.ToolInputDelta(call.Id, call.ArgumentsJson);
                }
            }

            // Products are stored once for all calls of a step.
            if (calls.Count > 0 && row.ProductsJson is { } products)
            {
                yield return new ChatEvent.ToolOutputPartial(calls[0].Id, products);
            }
        }

        // An old answer that was cut has messages after it, so it is not replaced.
        yield return rows[^1].Status is null or MessageStatus.Completed ? new ChatEvent.Done("stop") : new ChatEvent.Aborted();
    }

    private static bool WasInterrupted(List<AnswerRow> rows, ProviderToolCall call) =>
        rows.Exists(row => row.Role == "tool" && row.ToolCallId == call.Id && row.Status == MessageStatus.Aborted);

    private static Guid? Id(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <param name="Turn">The turn whose last message this is.</param>
    private sealed record AnswerRow(
        Guid Id, string Role, string Content, string? Reasoning, string? ToolCallsJson, string? ToolCallId, string? ProductsJson,
        DateTimeOffset CreatedAt,
        string? Status, Guid? Turn);
}
