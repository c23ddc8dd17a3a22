using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>Whoever looks at a trace or at <c>pg_stat_activity</c> reads what a statement is for. It says so itself, in its first line.</summary>
public sealed partial class NamedStatementTests
{
    private static readonly string[] Projects = ["Sendcat.ApiService", "Sendcat.Reliability", "Sendcat.ToolWorker", "Sendcat.ServiceDefaults"];

    /// <summary>Definitions of tables are run once by a migration.</summary>
    private static readonly string[] Definitions = ["ToolJobTables.cs"];

    private static IEnumerable<(string File, string Text)> Sources =>
        from project in Projects
        from file in Repository.SourcesOf(project)
        where !file.Contains($"{Path.DirectorySeparatorChar}Migrations{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !Definitions.Contains(Path.GetFileName(file))
        select (Path.GetRelativePath(Repository.Root, file), File.ReadAllText(file));

    [Fact]
    public void Every_statement_has_a_name()
    {
        var nameless = from source in Sources
                       from Match statement in Statement().Matches(source.Text)
                       select $"{source.File}: {statement.Value.Trim()}";

        Assert.Empty(nameless);
    }

    [Fact]
    public void Names_are_short_and_in_plain_words()
    {
        var names = (from source in Sources from Match name in Name().Matches(source.Text) select name.Groups["name"].Value).ToArray();

        Assert.True(names.Length > 50, $"Only {names.Length} names were found: does this test still look at the right places?");
        Assert.All(names, name => Assert.Matches("^[a-z]+( [a-z]+){1,5}$", name));
    }

    [Fact]
    public void Every_script_has_a_name()
    {
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "Sendcat.Reliability"), "*.lua", SearchOption.AllDirectories);
        var names = Array.ConvertAll(scripts, script => File.ReadLines(script).First());

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Matches("^-- [a-z]+( [a-z]+){1,5}$", name));
        Assert.Equal(names.Length, names.Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>A literal, of one line or of several, that begins with a verb of SQL instead of a name.</summary>
    [GeneratedRegex(
        """"(?:"""\s*\n\s*|(?<![\\"\w])"(?!"))(?:select|insert into|update|delete from|with)\s+[^"]*?(?:\bfrom\b|\bas\b|\binto\b|\bset\b|\(\$1|\bpg_)[^\n]*"""",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Statement();

    [GeneratedRegex(""""(?:"""\s*\n\s*-- |TagWith\(")(?<name>[^\n"]+)"""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
