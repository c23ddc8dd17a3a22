using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Threads that a chat request begins, with the rate limits and quotas of <c>POST /api/threads</c>. The row is inserted after the turn is
/// admitted, so that a refused request leaves no empty thread.
/// </summary>
internal sealed class NewThreads(RequestLimits limits, Quotas quotas, RequestDatabase database, TimeProvider time)
{
    // A principal begins one thread under a client id: a concurrent request with the same id inserts nothing.
    private const string Insert = """
        -- begin thread
        INSERT INTO threads (id, client_id, title, model_id, session_id, user_id, last_message_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>The user's message and the answer.</summary>
    private const int MessagesOfTurn = 2;

    /// <summary>Checks the limits of the principal and builds a thread that is not stored yet.</summary>
    /// <param name="http">The request. Admission counts its address.</param>
    /// <param name="principal">The owner of the thread.</param>
    /// <param name="request">It must contain the user's message.</param>
    /// <returns>The thread without messages; 429 beyond a rate limit, 409 beyond a quota.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async ValueTask<Outcome<ThreadHistory>> CheckAsync(HttpContext http, Principal principal, ChatRequest request)
    {
        if (await limits.RefusalAsync(http, RequestBudget.ThreadCreate, principal.Key, http.RequestAborted) is { } tooMany)
        {
            return tooMany;
        }

        if (await quotas.CheckThreadAsync(principal, MessagesOfTurn, request.Message!.Text.Length, http.RequestAborted) is { } full)
        {
            return full;
        }

        var thread = ThreadCopies.NewThread(
            principal, time.Now(), request.ModelId, ThreadRules.TitleOf(request.Message.Text), parent: null, sharedFrom: null);
        thread.ClientId = request.ThreadId;
        return new ThreadHistory(thread.Id, thread.UserId, thread.SessionId, thread.ModelId, []) { Begun = thread, HasTitle = thread.Title is not null };
    }

    /// <returns>False if the principal has begun a thread under the same client id meanwhile.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async ValueTask<bool> TryInsertAsync(ChatThread thread, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(Insert);
        command.Parameters.Add(new() { Value = thread.Id });
        command.Parameters.Add(Text(thread.ClientId));
        command.Parameters.Add(Text(thread.Title));
        command.Parameters.Add(Text(thread.ModelId));
        command.Parameters.Add(Text(thread.SessionId));
        command.Parameters.Add(Text(thread.UserId));
        command.Parameters.Add(new() { Value = thread.CreatedAt });
        return await command.ExecuteNonQueryAsync(CancellationToken.None) == 1;
    }

    private static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
