using System.Diagnostics;
using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>Checks that a thread belongs to the principal, for requests that need no messages of it.</summary>
internal sealed class ThreadOwnership(NpgsqlDataSource database, ILogger<ThreadOwnership> logger)
{
    private const string ReadOwner = """
        -- read thread owner
        SELECT user_id, session_id FROM threads WHERE id = $1
        """;

    /// <summary>Foreign, missing and malformed ids get the same 403 response, so that it does not reveal which threads exist.</summary>
    /// <returns>The thread id, or the error: 403, or 503 if Postgres does not respond.</returns>
    public async ValueTask<Outcome<Guid>> CheckAsync(string threadId, Principal principal, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(threadId, "D", out var id))
        {
            return ApiError.Forbidden();
        }

        try
        {
            TurnSpan.SetIds(Activity.Current, id);
            await using var command = database.CreateCommand(ReadOwner);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) && principal.Owns(Text(reader, 0), Text(reader, 1)) ? id : ApiError.Forbidden();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            logger.HistoryUnreachable(failure.GetType().Name);
            return ApiError.UpstreamUnavailable(ChatGate.StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
