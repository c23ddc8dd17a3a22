using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>What keeps the jobs of a lane from their upstreams: the circuit of a provider that they call.</summary>
/// <param name="Provider">The name of the provider.</param>
/// <param name="MayProbe">
/// True: the cooldown is over, and one job may find out whether the provider works. False: the circuit is open.
/// </param>
public sealed record LaneObstacle(string Provider, bool MayProbe);

/// <summary>Finds the obstacle of a lane now; null: its jobs can reach their upstreams.</summary>
public delegate LaneObstacle? LaneObstacles(ToolLane lane);
