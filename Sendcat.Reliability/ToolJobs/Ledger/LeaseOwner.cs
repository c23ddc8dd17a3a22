using System.Globalization;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// The name of a worker process in job rows: for operators the machine and the process, for recovery its id among the replicas.
/// </summary>
/// <param name="Machine">Name of the machine.</param>
/// <param name="ProcessId">Id of the process there.</param>
/// <param name="Replica">Under this id the process holds leases in Redis.</param>
public sealed record LeaseOwner(string Machine, int ProcessId, ReplicaId Replica)
{
    /// <summary>The process that calls.</summary>
    public static LeaseOwner Of(ReplicaId replica) => new(Environment.MachineName, Environment.ProcessId, replica);

    /// <summary>The replica of an owner; null: the row was written by a process that did not name it.</summary>
    public static ReplicaId? ReplicaOf(string? owner) =>
        owner is not null && Guid.TryParseExact(owner[(owner.LastIndexOf(':') + 1)..], "D", out var replica) ? new(replica) : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Machine}:{ProcessId}:{Replica}");
}
