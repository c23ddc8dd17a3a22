using System.Diagnostics.CodeAnalysis;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>How urgent a tool's jobs are. Lanes of a class share its running cap.</summary>
public enum QosClass
{
    /// <summary>Somebody watches and the answer is quick.</summary>
    Realtime,

    /// <summary>Somebody watches, the answer may take a moment.</summary>
    Interactive,

    /// <summary>Nice to have.</summary>
    Batch,
}

/// <summary>A tool that runs on the queue; every tool has a lane of its own.</summary>
/// <param name="Tool">Its name for the model, in rows and in queue names.</param>
public sealed record ToolLane(string Tool, QosClass Qos)
{
    public static readonly ToolLane SearchWeb = new("search_web", QosClass.Realtime);
    public static readonly ToolLane SearchProducts = new("search_products", QosClass.Interactive);
    public static readonly ToolLane SearchGlobal = new("search_global", QosClass.Batch);

    /// <summary>All lanes, the most urgent first.</summary>
    public static readonly IReadOnlyList<ToolLane> All = [SearchWeb, SearchProducts, SearchGlobal];

    /// <summary>The class as it stands in rows.</summary>
    public string QosName => Qos switch { QosClass.Realtime => "realtime", QosClass.Interactive => "interactive", _ => "batch" };

    /// <summary>The lane's number in advisory locks.</summary>
    internal int Number => Tool switch { "search_web" => 1, "search_products" => 2, _ => 3 };

    public static bool TryFind(string tool, [NotNullWhen(true)] out ToolLane? lane)
    {
        lane = All.FirstOrDefault(it => it.Tool == tool);
        return lane is not null;
    }

    /// <exception cref="ArgumentException">No such tool.</exception>
    public static ToolLane Of(string tool) => TryFind(tool, out var lane) ? lane : throw new ArgumentException($"There is no tool {tool}.", nameof(tool));

    public override string ToString() => Tool;
}
