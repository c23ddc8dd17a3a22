using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>A request to run a tool call on the queue.</summary>
/// <param name="Lane">The tool's queue.</param>
/// <param name="Arguments">JSON. The caller normalises it.</param>
/// <param name="Principal">
/// The user or the anonymous session whose turn calls the tool. The queue is fair between the principals of a lane.
/// </param>
/// <param name="Cache">
/// The cache entry for the result; null: the result is not cached. At most one live job exists per cache slot: a second request joins it,
/// also from another principal.
/// </param>
public sealed record ToolJobRequest(ToolLane Lane, string Arguments, string Principal, ToolJobCacheSlot? Cache = null)
{
    /// <summary>Attempts before the job is a dead letter. Null: <see cref="ToolJobOptions.MaxAttempts"/>.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Called when the job is enqueued or joined, with its id and whether it was joined; null: nobody is interested.</summary>
    public Action<Guid, bool>? OnEntered { get; init; }
}

/// <summary>The address of an entry in the tool cache. The cache has normalised both names.</summary>
public sealed record ToolJobCacheSlot(string Namespace, string Key);
