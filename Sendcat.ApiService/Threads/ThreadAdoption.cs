using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Threads;

/// <summary>Transfers the threads of an anonymous session to the user who signed in with it.</summary>
internal sealed class ThreadAdoption(SendcatDb db, ILogger<ThreadAdoption> logger)
{
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

        var count = await db.Threads
            .Where(t => t.UserId == null && t.SessionId == session)
            .ExecuteUpdateAsync(set => set.SetProperty(t => t.UserId, userId), cancellationToken);
        if (count > 0)
        {
            logger.ThreadsAdopted(userId, count);
        }

        return count;
    }
}
