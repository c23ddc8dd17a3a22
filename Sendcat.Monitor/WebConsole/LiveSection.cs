namespace Sendcat.Monitor.WebConsole;

/// <summary>A part of the live feed: one page of the API, read for all viewers together.</summary>
/// <param name="Name">As the page calls it.</param>
/// <param name="Every">Time between two reads while somebody looks.</param>
internal sealed record LiveSection(string Name, string Path, TimeSpan Every)
{
    /// <summary>A page that this version of the API does not have is requested again after this time.</summary>
    public static readonly TimeSpan Missing = TimeSpan.FromMinutes(1);

    public const string Health = "health";

    /// <summary>
    /// Timeline, snapshot and changes have at most five rows or no limit: <c>OPS_MAX_ROWS_PER_SECTION</c> of the API bounds it, and is at
    /// least five.
    /// </summary>
    public static readonly IReadOnlyList<LiveSection> All =
    [
        new(Health, Chat.Wire.ChatHealth, TimeSpan.FromSeconds(2)),
        new("circuits", "api/ops/circuits", TimeSpan.FromSeconds(2)),
        new("bulkheads", "api/ops/bulkheads", TimeSpan.FromSeconds(2)),
        new("changes", "api/ops/tool-jobs/dead-letters/changes?limit=5", TimeSpan.FromSeconds(2)),
        new("alerts", "api/ops/alerts?open=true&limit=50", TimeSpan.FromSeconds(3)),
        new("snapshot", "api/ops/snapshot?minutes=15&limit=5", TimeSpan.FromSeconds(5)),
        new("replicas", "api/ops/replicas", TimeSpan.FromSeconds(5)),
        new("routes", "api/ops/routes", TimeSpan.FromSeconds(3)),
        new("schedule", "api/ops/schedule", TimeSpan.FromSeconds(5)),
        new("conditions", "api/ops/conditions", TimeSpan.FromSeconds(10)),
        new("timeline", "api/ops/timeline", TimeSpan.FromSeconds(10)),
        new("audit", "api/ops/audit?limit=20", TimeSpan.FromSeconds(10)),
        new("knobs", "api/ops/knobs", TimeSpan.FromSeconds(15)),
        new("slo", "api/ops/slo?minutes=60", TimeSpan.FromSeconds(15)),
    ];
}
