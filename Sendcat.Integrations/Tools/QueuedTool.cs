using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Tools;

/// <summary>
/// A tool that runs on the queue: what the API, the worker and the stores must know about it. Each tool is one file in this folder, with
/// its record, its knobs and the contracts of its job (docs/how-to/add-a-tool.md).
/// </summary>
/// <param name="Lane">Name, number, class and caps.</param>
/// <param name="Cache">Where its results are cached.</param>
/// <param name="Spoken">The tool as texts for the model call it, for example <c>web search</c>.</param>
/// <param name="Providers">The providers that its jobs call. A provider that only this tool calls is in the tool's file.</param>
/// <param name="AddKnobs">
/// Registers the knobs that <paramref name="Lane"/> and <paramref name="Cache"/> read, and those of the tool's own provider.
/// </param>
public sealed partial record QueuedTool(
    ToolLane Lane, ToolCacheKind Cache, string Spoken, IReadOnlyList<Provider> Providers,
    Func<IServiceCollection, IServiceCollection> AddKnobs)
{
    /// <summary>The tools in the order in which reports list them.</summary>
    public static IReadOnlyList<QueuedTool> All => field ??= [SearchWeb, SearchProducts, SearchGlobal];

    /// <summary>The name by which the model calls the tool, for example <c>search_web</c>.</summary>
    public string Name => Lane.Tool;

    public override string ToString() => Name;
}
