using Sendcat.ApiService.Http;
using Sendcat.Reliability.Slo;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>The turns of this replica, for operators.</summary>
internal sealed class ReplicaLoad(LiveTurns turns, SliRecorder slis) : IProcessLoad
{
    public string Kind => "api";

    public ProcessLoad Read() => new(turns.Count, turns.WaitingLongerThan(TimeSpan.Zero)) { Recent = ReadTurns() };

    public RecentTurns ReadTurns() => new(
        slis.Recent(MeasuredEndpoint.Chat.Path), slis.Latest(MeasuredEndpoint.Chat.Path),
        turns.WaitingLongerThan(SloPolicy.Default.Verdict.FirstTokenLimit));
}
