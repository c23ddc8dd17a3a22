using System.Diagnostics.Metrics;

namespace Sendcat.ApiService.Tools;

/// <summary>Meter <c>Sendcat.Tools</c>.</summary>
internal static class ToolMetrics
{
    private static readonly Meter Meter = new("Sendcat.Tools");

    private static readonly Counter<long> Searches = Meter.CreateCounter<long>(
        "sendcat.tools.searches", "{search}", "Searches of turns, by tool and where the answer came from: cache, job, past, nothing.");

    public static void RecordSearch(string tool, LookupSource source) => Searches.Add(1, new("tool", tool), new("found_in", source switch
    {
        LookupSource.Cache => "cache",
        LookupSource.Job => "job",
        LookupSource.StaleCache => "past",
        LookupSource.None => "nothing",
        _ => throw new ArgumentOutOfRangeException(nameof(source), source, null),
    }));
}
