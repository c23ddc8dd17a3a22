using System.Text.Json;
using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.History;

/// <summary>The messages of a thread as <c>useChat</c> shows them, from the rows.</summary>
internal sealed class UiHistory(RequestDatabase database)
{
    /// <summary>The most characters of a page, because a whole page is held in memory. An exchange is not divided.</summary>
    private const int MaxPageCharacters = 2_000_000;

    private const int RowsPerRead = 200;

    // $1: the thread. $2: only what stands before this position. $3: the most rows.
    private const string ReadRows = """
        -- read chat history
        SELECT m.id, m.seq, m.role, m.content, m.reasoning_content, m.tool_calls, m.tool_call_id, m.products, m.sources, m.attachments,
          m.client_id, m.created_at,
          m.status, m.model_id, s.id, m.answers_id,
          m.role = 'user' AND EXISTS (SELECT FROM stream_sessions r WHERE r.thread_id = $1 AND r.status = 'streaming'
            AND r.user_message_id = m.id)
        FROM messages m LEFT JOIN stream_sessions s ON s.thread_id = $1 AND s.message_id = m.id
        WHERE m.thread_id = $1 AND m.seq < $2 AND m.role <> 'system'
        ORDER BY m.seq DESC LIMIT $3
        """;

    /// <summary>The last messages before a position, the oldest first. An answer that is being written is left out.</summary>
    /// <param name="limit">The most messages. A user message and its answer stay together, so the page may have one more.</param>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<Page<ChatUiMessage>> ReadAsync(Guid threadId, long before, int limit, CancellationToken cancellationToken)
    {
        var exchanges = new List<StoredExchange>();
        var answer = new List<StoredRow>();
        var asked = new HashSet<Guid>();
        var (messages, characters, isFull, hasMore) = (0, 0L, false, true);
        await using var connection = await database.OpenAsync(cancellationToken);
        for (var isRead = false; !isRead;)
        {
            var count = 0;
            await foreach (var row in RowsAsync(connection, threadId, before))
            {
                count++;
                if (isFull)
                {
                    isRead = true;
                    break;
                }

                before = row.Seq;
                characters += row.Size;
                if (row.Role != "user")
                {
                    answer.Add(row);
                    continue;
                }

                messages += Add(row);
                asked.Remove(row.Id);
                isFull = (messages >= limit && asked.Count == 0) || messages >= 2 * limit || characters > MaxPageCharacters;
            }

            if (!isRead && count < RowsPerRead)
            {
                Add(user: null);
                (isRead, hasMore) = (true, false);
            }
        }

        exchanges.Reverse();
        Join(exchanges);
        return new(
            [.. exchanges.SelectMany(exchange => MessagesOf(threadId, exchange))],
            !hasMore ? null : MessageCursor.Text(before, newestFirst: true));

        int Add(StoredRow? user)
        {
            var exchange = new StoredExchange(user);
            exchange.Answer.AddRange(Enumerable.Reverse(answer));
            answer.Clear();
            exchanges.Add(exchange);
            asked.UnionWith(exchange.Answer.Where(row => row.IsOfAnother(user)).Select(row => row.Asked!.Value));
            return exchange.Messages;
        }
    }

    /// <summary>
    /// A user message that was stored while an earlier one was answered stands within that answer: puts the answer together.
    /// </summary>
    private static void Join(List<StoredExchange> exchanges)
    {
        var byUser = exchanges.Where(exchange => exchange.User is not null).ToDictionary(exchange => exchange.User!.Id);
        foreach (var later in exchanges)
        {
            foreach (var row in later.Answer.Where(row => row.IsOfAnother(later.User)).ToList())
            {
                if (byUser.TryGetValue(row.Asked!.Value, out var earlier))
                {
                    later.Answer.Remove(row);
                    earlier.Answer.Add(row);
                }
            }
        }
    }

    private static IEnumerable<ChatUiMessage> MessagesOf(Guid threadId, StoredExchange exchange)
    {
        if (exchange.User is { } user)
        {
            yield return UiAnswer.OfUser(threadId, user);
        }

        if (!exchange.IsRunning && exchange.Answer.Exists(row => row.Role == "assistant"))
        {
            yield return UiAnswer.OfAnswer(threadId, exchange.Answer);
        }
    }

    private static async IAsyncEnumerable<StoredRow> RowsAsync(BoundedConnection connection, Guid threadId, long before)
    {
        await using var command = connection.CreateCommand(ReadRows);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = threadId });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = before });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = RowsPerRead });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            yield return new(
                reader.GetGuid(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3), Text(reader, 4), Text(reader, 5),
                Text(reader, 6),
                Json(reader, 7), Json(reader, 8), Json(reader, 9), Text(reader, 10),
                await reader.GetFieldValueAsync<DateTimeOffset>(11, CancellationToken.None),
                Text(reader, 12), Text(reader, 13), Id(reader, 14), Id(reader, 15), reader.GetBoolean(16))
            {
                Size = new[] { 3, 4, 5, 7, 8, 9 }.Sum(column => Text(reader, column)?.Length ?? 0),
            };
        }
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static Guid? Id(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    private static JsonElement? Json(NpgsqlDataReader reader, int column)
    {
        if (reader.IsDBNull(column))
        {
            return null;
        }

        using var document = JsonDocument.Parse(reader.GetString(column));
        return document.RootElement.Clone();
    }
}
