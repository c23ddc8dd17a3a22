using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>The primitives of Sendcat.Reliability can be read, changed and thrown away one by one.</summary>
public sealed partial class ReliabilitySiblingTests
{
    private const string Reliability = "Sendcat.Reliability";

    /// <summary>What the primitives stand on. <c>Database</c> lists everybody's tables.</summary>
    private static readonly string[] Ground = ["Redis", "Knobs", "Events", "Database", "Tracing"];

    /// <summary>What is made of them: the view of all, the tables of all, and calls behind a circuit and a bulkhead.</summary>
    private static readonly string[] Roof = ["Snapshot", "Database", "Outbound"];

    [Fact]
    public void Siblings_do_not_know_each_other()
    {
        var root = Repository.Projects.Single(project => project.Name == Reliability).Folder;
        var rooms = Directory.EnumerateDirectories(root).Select(Path.GetFileName).ToHashSet();

        var acquaintances =
            from file in Repository.SourcesOf(Reliability)
            let room = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar) is [var folder, _, ..] ? folder : null
            where room is not null && !Roof.Contains(room)
            from Match mention in Mention().Matches(File.ReadAllText(file))
            let other = mention.Groups["room"].Value
            where rooms.Contains(other) && other != room && !Ground.Contains(other)
            select $"{Path.GetRelativePath(root, file)} knows {other}";

        Assert.Empty(acquaintances.Distinct());
    }

    /// <summary>A using or a full name; an unused using does not compile, and the namespace is the folder.</summary>
    [GeneratedRegex(@"\bSendcat\.Reliability\.(?<room>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mention();
}
