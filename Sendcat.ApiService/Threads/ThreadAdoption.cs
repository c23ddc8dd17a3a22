using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Threads;

/// <summary>Transfers the threads and files of an anonymous session to the user who signed in with it.</summary>
internal sealed class ThreadAdoption(SendcatDb db, ILogger<ThreadAdoption> logger)
{
    private const int MaxAttempts = 3;

    /// <param name="userId">The user.</param>
    /// <param name="session">An accepted session id; null: nothing is transferred.</param>
    /// <param name="cancellationToken">Cancels the update.</param>
    /// <returns>The number of transferred threads.</returns>
    public async Task<int> AdoptAsync(string userId, string? session, CancellationToken cancellationToken)
    {
        if (session is null)
        {
            return 0;
        }

        var count = await TransferAsync(userId, session, cancellationToken);
        if (count > 0)
        {
            logger.ThreadsAdopted(userId, count);
        }

        return count;
    }

    /// <summary>
    /// A client id that another thread of the user has is removed from the transferred thread, which keeps its own id. A thread that
    /// begins under the same client id at this moment makes the statement fail; the repetition sees it.
    /// </summary>
    private async Task<int> TransferAsync(string userId, string session, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await db.Database.ExecuteSqlAsync(
                    $"""
                    -- adopt threads
                    WITH files AS (UPDATE attachments SET user_id = {userId} WHERE user_id IS NULL AND session_id = {session})
                    UPDATE threads t SET user_id = {userId},
                      client_id = CASE WHEN EXISTS (SELECT FROM threads o WHERE o.user_id = {userId} AND o.client_id = t.client_id)
                        THEN NULL ELSE t.client_id END
                    WHERE t.user_id IS NULL AND t.session_id = {session}
                    """,
                    cancellationToken);
            }
            catch (PostgresException failure) when (failure.SqlState == PostgresErrorCodes.UniqueViolation && attempt < MaxAttempts)
            {
            }
        }
    }
}
