using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>Each folder of Sendcat.Reliability can be read, changed and deleted independently of its sibling folders.</summary>
public sealed partial class ReliabilitySiblingTests
{
    private const string Reliability = "Sendcat.Reliability";

    /// <summary>
    /// The folders that every folder may use. <c>Database</c> lists the tables of all folders. <c>Providers</c> lists the
    /// registered providers. <c>Tables</c> reads and sweeps small tables, for the folder that has the table. <c>Timing</c> has signals and
    /// backoff, <c>Outages</c> the log of outages, and <c>UntrustedText</c> repair and truncation of text; the three depend on nothing else
    /// here.
    /// </summary>
    private static readonly string[] Shared =
    [
        "Redis", "Knobs", "Events", "Database", "Tracing", "Providers", "Timing", "Outages", "UntrustedText", "Tables",
    ];

    /// <summary>
    /// The folders that may use every folder: the snapshot of all, the tables of all, calls with a circuit breaker and a bulkhead, and the
    /// inbox, which enqueues the job of a delivery in its own transaction.
    /// </summary>
    private static readonly string[] Aggregates = ["Snapshot", "Database", "Outbound", "Idempotency"];

    [Fact]
    public void Sibling_folders_do_not_reference_each_other()
    {
        var root = Repository.Projects.Single(project => project.Name == Reliability).Folder;
        var folders = Directory.EnumerateDirectories(root).Select(Path.GetFileName).ToHashSet();

        var violations =
            from file in Repository.SourcesOf(Reliability)
            let folder = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar) is [var first, _, ..] ? first : null
            where folder is not null && !Aggregates.Contains(folder)
            from Match reference in Reference().Matches(File.ReadAllText(file))
            let other = reference.Groups["folder"].Value
            where folders.Contains(other) && other != folder && !Shared.Contains(other)
            select $"{Path.GetRelativePath(root, file)} uses {other}";

        Assert.Empty(violations.Distinct());
    }

    /// <summary>A using directive or a full name. An unused using does not compile, and the namespace equals the folder.</summary>
    [GeneratedRegex(@"\bSendcat\.Reliability\.(?<folder>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();
}
