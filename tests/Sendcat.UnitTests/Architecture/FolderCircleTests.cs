using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>
/// Folders that stand side by side do not depend on each other in a circle, so that each can be read, changed and moved alone. A folder
/// counts together with the folders in it. The files beside the folders (the registration of a feature, its knobs and logs) may use them
/// all.
/// </summary>
public sealed partial class FolderCircleTests
{
    public static TheoryData<string> Programs =>
        [.. Repository.Projects.Where(project => !project.IsTest).Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Programs))]
    public void Folders_side_by_side_have_no_circle(string project)
    {
        var edges = Edges(project).ToArray();

        var circles =
            from parent in edges.SelectMany(edge => Ancestors(edge.From)).Distinct()
            let graph = edges
                .Select(edge => (From: ChildOf(parent, edge.From), To: ChildOf(parent, edge.To), edge.File))
                .Where(edge => edge is { From: not null, To: not null } && edge.From != edge.To)
                .ToArray()
            let next = graph.ToLookup(edge => edge.From!, edge => edge.To!)
            from edge in graph
            where Reaches(next, edge.To!, edge.From!)
            select $"{project}/{parent}: {edge.From} -> {edge.To} in {edge.File}";

        Assert.Empty(circles.Distinct().Order());
    }

    [Fact]
    public void Half_qualified_names_count_as_dependencies()
    {
        var folders = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal)
        {
            ["Circuits"] = ["Circuit"], ["Redis"] = ["RedisKeys"],
        };

        Assert.Equal(
            ["Circuits"],
            Uses("namespace Sendcat.Reliability.Redis;\nclass A { Circuits.Circuit? b; }", "Sendcat.Reliability", "Redis", folders));
        Assert.Equal(
            ["Redis"],
            Uses("using Sendcat.Reliability.Redis;\nnamespace Sendcat.Reliability.Circuits;", "Sendcat.Reliability", "Circuits", folders));
        Assert.Empty(
            Uses(
                "namespace Sendcat.Reliability.Redis;\n/// <see cref=\"RedisKeys\"/>\nclass A { string b = this.Circuits.Circuit; }",
                "Sendcat.Reliability", "Redis", folders));
    }

    private static IEnumerable<(string From, string To, string File)> Edges(string project)
    {
        var root = Repository.Projects.Single(found => found.Name == project).Folder;
        var sources = Repository.SourcesOf(project)
            .Select(
                file => (
                    Folder: Path.GetRelativePath(root, Path.GetDirectoryName(file)!).Replace('\\', '/'), File: Path.GetFileName(file),
                    Text: File.ReadAllText(file)))
            .Where(
                source => source.Folder != "."
                    && !source.Folder.StartsWith("obj", StringComparison.Ordinal)
                    && !source.Folder.Contains("Migrations", StringComparison.Ordinal))
            .ToArray();
        var types = sources.GroupBy(source => source.Folder, StringComparer.Ordinal).ToDictionary(
            folder => folder.Key,
            folder => folder.SelectMany(source => Declaration().Matches(source.Text)).Select(match => match.Groups["name"].Value)
                .ToHashSet(StringComparer.Ordinal),
            StringComparer.Ordinal);
        return from source in sources
               from used in Uses(source.Text, project, source.Folder, types)
               select (source.Folder, used, source.File);
    }

    /// <summary>
    /// The folders that a file uses: by a using directive, by a full name, or by a name that begins with the folder's last part.
    /// </summary>
    private static IEnumerable<string> Uses(string text, string project, string own, Dictionary<string, HashSet<string>> folders)
    {
        var names = Name().Matches(text).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
        return from folder in folders
               where folder.Key != own
               let space = $"{project}.{folder.Key.Replace('/', '.')}"
               let last = folder.Key[(folder.Key.LastIndexOf('/') + 1)..]
               where names.Contains(space)
                   || folder.Value.Any(
                       type =>
                           names.Any(name => name == $"{space}.{type}" || name.StartsWith($"{space}.{type}.", StringComparison.Ordinal)))
                   || folder.Value.Any(
                       type => names.Any(name => name == $"{last}.{type}" || name.StartsWith($"{last}.{type}.", StringComparison.Ordinal)))
               select folder.Key;
    }

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (var at = folder; at.Length > 0;)
        {
            at = at.Contains('/', StringComparison.Ordinal) ? at[..at.LastIndexOf('/')] : "";
            yield return at;
        }
    }

    private static string? ChildOf(string parent, string folder) =>
        parent.Length == 0 ? folder.Split('/')[0]
        : folder.StartsWith(parent + "/", StringComparison.Ordinal) ? folder[(parent.Length + 1)..].Split('/')[0]
        : null;

    private static bool Reaches(ILookup<string, string> next, string from, string to)
    {
        var (seen, open) = (new HashSet<string>(StringComparer.Ordinal) { from }, new Queue<string>([from]));
        while (open.TryDequeue(out var at))
        {
            if (at == to)
            {
                return true;
            }

            foreach (var other in next[at].Where(seen.Add))
            {
                open.Enqueue(other);
            }
        }

        return false;
    }

    [GeneratedRegex(
        @"\b(?:class|record(?: struct)?|struct|interface|enum)\s+(?<name>[A-Z]\w*)", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Declaration();

    /// <summary>A dotted name that is not the end of a longer one, outside of text and documentation.</summary>
    [GeneratedRegex(@"(?<![\w.""/])[A-Z]\w*(?:\.[A-Z]\w*)+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Name();
}
