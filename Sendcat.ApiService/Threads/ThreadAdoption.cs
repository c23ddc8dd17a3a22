using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;

namespace Sendcat.ApiService.Threads;

/// <summary>Hands the threads of an anonymous session to the user who signed in with it.</summary>
internal sealed class ThreadAdoption(SendcatDb db, ILogger<ThreadAdoption> logger)
{
    /// <param name="session">An accepted session id; null claims nothing.</param>
    public async Task<int> ClaimAsync(string userId, string? session, CancellationToken cancellationToken)
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
            logger.ThreadsClaimed(userId, count);
        }

        return count;
    }
}
