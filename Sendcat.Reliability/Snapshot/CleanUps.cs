using Sendcat.Reliability.Events;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.ToolJobs.Recovery;

namespace Sendcat.Reliability.Snapshot;

/// <summary>The clean-ups of expired rows that the replicas do by themselves, for operators who need one now.</summary>
public sealed class CleanUps
{
    private readonly Dictionary<string, Func<CancellationToken, Task<int>>> _byName;

    internal CleanUps(RateLimitEvents events, WebhookInbox inbox, JobRecovery jobs) => _byName = new(StringComparer.Ordinal)
    {
        ["events"] = events.SweepAsync,
        ["replay-keys"] = inbox.CleanUpAsync,
        ["tool-jobs"] = jobs.RemoveExpiredAsync,
    };

    public IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>Deletes rows that have expired, and no others.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>The number of deleted rows. Of tool jobs one call deletes a bounded number.</returns>
    /// <exception cref="KeyNotFoundException">There is no such clean-up.</exception>
    public Task<int> RunAsync(string name, CancellationToken cancellationToken) => _byName[name](cancellationToken);
}
