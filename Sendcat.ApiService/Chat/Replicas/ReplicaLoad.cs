using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>The turns of this replica, for operators.</summary>
internal sealed class ReplicaLoad(LiveTurns turns) : IProcessLoad
{
    public string Kind => "api";

    public ProcessLoad Read() => new(turns.Count, turns.WaitingLongerThan(TimeSpan.Zero));
}
