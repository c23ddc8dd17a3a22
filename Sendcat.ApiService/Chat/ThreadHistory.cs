using Npgsql;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat;

/// <summary>A thread as a turn needs it: whose it is, which model it has, and its newest messages, ascending.</summary>
internal sealed record ThreadHistory(Guid ThreadId, string? UserId, string? SessionId, string? ModelId, IReadOnlyList<HistoryMessage> Messages)
{
    private const string ReadOwner = """
        -- read thread
        select user_id, session_id, model_id from threads where id = $1
        """;

    // Other turns' unfinished answers are no history yet.
    private const string ReadMessages = """
        -- read thread messages
        select m.id, m.role, m.content, m.status, m.tool_calls, m.tool_call_id, m.name, m.products, m.attachments, m.client_id
        from messages m where m.thread_id = $1 and m.status is distinct from 'streaming' order by m.seq desc limit $2
        """;

    /// <summary>The model that somebody chose for this thread. The one that every thread gets is nobody's choice, and what cannot be a model is none.</summary>
    public string? ChosenModel => ModelCatalogue.IsModelId(ModelId) && ModelId != ThreadRules.DefaultModel ? ModelId : null;

    public bool BelongsTo(Principal principal) => principal.Owns(UserId, SessionId);

    /// <returns>Null if there is no such thread. One round trip for owner and messages.</returns>
    public static async Task<ThreadHistory?> ReadAsync(NpgsqlDataSource database, Guid threadId, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ReadOwner) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = threadId } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ReadMessages) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = threadId }, new NpgsqlParameter<int> { TypedValue = limit } } });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var userId = Text(reader, 0);
        var sessionId = Text(reader, 1);
        var modelId = Text(reader, 2);
        await reader.NextResultAsync(cancellationToken);
        var messages = new List<HistoryMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(new HistoryMessage(reader.GetGuid(0), reader.GetString(1), reader.GetString(2), Text(reader, 3), Text(reader, 4), Text(reader, 5), Text(reader, 6), Text(reader, 7), Text(reader, 8), Text(reader, 9)));
        }

        messages.Reverse();
        return new ThreadHistory(threadId, userId, sessionId, modelId, messages);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
