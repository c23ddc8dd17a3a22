using System.Diagnostics;
using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>Checks that a thread belongs to the principal, for requests that need no messages of it.</summary>
internal sealed class ThreadOwnership(RequestDatabase database)
{
    private const string ReadOwner = """
        -- read thread owner
        SELECT id, user_id, session_id FROM threads WHERE id = $1
        """;

    private const string ReadOwnerByClientId = $"""
        -- read thread owner by client id
        SELECT id, user_id, session_id FROM threads WHERE id = {ThreadName.FindByClientId}
        """;

    /// <summary>Foreign, missing and malformed ids get the same 403 response, so that it does not reveal which threads exist.</summary>
    /// <param name="threadId">The thread's id, or the one that the client invented for it.</param>
    /// <param name="mayBeUnused">
    /// Return <see cref="Guid.Empty"/> for an id that a client may have invented and under which the principal has no thread. A UUID of
    /// version 7 is not such an id: it looks like the id of a thread.
    /// </param>
    /// <returns>The thread id, or the error: 403, or 503 if Postgres does not respond.</returns>
    public async ValueTask<Outcome<Guid>> CheckAsync(
        string threadId, Principal principal, bool mayBeUnused, CancellationToken cancellationToken)
    {
        if (!ThreadName.TryParse(threadId, out var name))
        {
            return ApiError.Forbidden();
        }

        try
        {
            foreach (var (id, clientId) in name.Lookups())
            {
                if (await FindAsync(id, clientId, principal, cancellationToken) is { } thread)
                {
                    TurnSpan.SetIds(Activity.Current, thread);
                    return thread;
                }
            }

            return mayBeUnused && !name.IsOurs ? Guid.Empty : ApiError.Forbidden();
        }
        catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
        {
            database.Outage.Records(failure);
            return ApiError.UpstreamUnavailable(RequestThreads.StoreRetryAfter, RefusalReason.StoreUnavailable);
        }
    }

    private async ValueTask<Guid?> FindAsync(Guid? id, string? clientId, Principal principal, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenForTurnAsync(cancellationToken);
        await using var command = connection.CreateCommand(id is null ? ReadOwnerByClientId : ReadOwner);
        if (id is { } known)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = known });
        }
        else
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clientId! });
            command.Parameters.AddRange(ThreadName.Parameters(principal));
        }

        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None) && principal.Owns(Text(reader, 1), Text(reader, 2))
            ? reader.GetGuid(0)
            : null;
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
