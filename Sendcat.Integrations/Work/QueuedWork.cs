using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Work;

/// <summary>
/// A kind of work that runs on the queue of the tool jobs and is no tool: no model calls it, no turn waits for it, and its result is not
/// cached. Each kind is one file in this folder, with its record, its knobs and the contract of its jobs.
/// </summary>
/// <param name="Lane">Name, number, caps, retry delays and thresholds.</param>
/// <param name="Providers">The providers that its jobs call.</param>
/// <param name="AddKnobs">Registers the knobs that <paramref name="Lane"/> and the providers read.</param>
public sealed partial record QueuedWork(
    ToolLane Lane, IReadOnlyList<Provider> Providers, Func<IServiceCollection, IServiceCollection> AddKnobs)
{
    public static IReadOnlyList<QueuedWork> All => field ??= [Deliveries, MailSync, Messages];

    /// <summary>The lanes of all tools and of all other work, in the order in which reports list them.</summary>
    public static IReadOnlyList<ToolLane> AllLanes =>
        field ??= [.. QueuedTool.All.Select(tool => tool.Lane), .. All.Select(work => work.Lane)];

    public override string ToString() => Lane.Tool;
}
