using System.Diagnostics.CodeAnalysis;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>The urgency of a tool's jobs. The lanes of one class share the running limit of the class.</summary>
public enum QosClass
{
    /// <summary>A user waits for the response, and the tool responds fast.</summary>
    Realtime,

    /// <summary>A user waits for the response, and the tool may take longer.</summary>
    Interactive,

    /// <summary>The turn can do without the result.</summary>
    Batch,
}

/// <summary>A tool that runs on the queue. Every tool has its own lane.</summary>
/// <param name="Tool">The tool's name. The model, the database rows and the queue names use it.</param>
public sealed record ToolLane(string Tool, QosClass Qos)
{
    public static readonly ToolLane SearchWeb = new("search_web", QosClass.Realtime);
    public static readonly ToolLane SearchProducts = new("search_products", QosClass.Interactive);
    public static readonly ToolLane SearchGlobal = new("search_global", QosClass.Batch);

    /// <summary>All lanes. The most urgent one is first.</summary>
    public static readonly IReadOnlyList<ToolLane> All = [SearchWeb, SearchProducts, SearchGlobal];

    /// <summary>The class name in database rows.</summary>
    public string QosName => Qos switch { QosClass.Realtime => "realtime", QosClass.Interactive => "interactive", _ => "batch" };

    /// <summary>The lane's key in Postgres advisory locks.</summary>
    internal int Number => Tool switch { "search_web" => 1, "search_products" => 2, _ => 3 };

    public static bool TryFind(string tool, [NotNullWhen(true)] out ToolLane? lane)
    {
        lane = All.FirstOrDefault(it => it.Tool == tool);
        return lane is not null;
    }

    /// <exception cref="ArgumentException">No tool has this name.</exception>
    public static ToolLane Of(string tool) =>
        TryFind(tool, out var lane) ? lane : throw new ArgumentException($"There is no tool {tool}.", nameof(tool));

    public override string ToString() => Tool;
}
