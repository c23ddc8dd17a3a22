using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>
/// The first line of every SQL statement and Lua script is a comment with its name. Traces and <c>pg_stat_activity</c> show the name.
/// </summary>
public sealed partial class NamedStatementTests
{
    private static readonly string[] Projects =
    [
        "Sendcat.ApiService", "Sendcat.Reliability", "Sendcat.Integrations", "Sendcat.ToolWorker", "Sendcat.ServiceDefaults",
    ];

    /// <summary>A migration runs the table definitions once, so they need no name.</summary>
    private static readonly string[] Definitions = ["ToolJobTables.cs"];

    private static IEnumerable<(string File, string Text)> Sources =>
        from project in Projects
        from file in Repository.SourcesOf(project)
        where !file.Contains($"{Path.DirectorySeparatorChar}Migrations{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            && !Definitions.Contains(Path.GetFileName(file))
        select (Path.GetRelativePath(Repository.Root, file), File.ReadAllText(file));

    [Fact]
    public void Every_statement_has_a_name()
    {
        var unnamed = from source in Sources
                       from Match statement in Statement().Matches(source.Text)
                       select $"{source.File}: {statement.Value.Trim()}";

        Assert.Empty(unnamed);
    }

    [Fact]
    public void Statement_names_have_two_to_six_lower_case_words()
    {
        var names = (from source in Sources from Match name in Name().Matches(source.Text) select name.Groups["name"].Value).ToArray();

        Assert.True(names.Length > 50, $"Only {names.Length} names were found: check that this test still reads the right folders.");
        Assert.All(names, name => Assert.Matches("^[a-z]+( [a-z]+){1,5}$", name));
    }

    [Fact]
    public void SQL_keywords_are_upper_case()
    {
        var lower = from source in Sources
                    from Match statement in Body().Matches(source.Text)
                    from Match keyword in LowerKeyword().Matches(Quoted().Replace(statement.Groups["sql"].Value, ""))
                    select $"{source.File}: {keyword.Value}";

        Assert.Empty(lower);
    }

    [Fact]
    public void Every_Lua_script_has_a_unique_name()
    {
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "Sendcat.Reliability"), "*.lua", SearchOption.AllDirectories);
        var names = Array.ConvertAll(scripts, script => File.ReadLines(script).First());

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Matches("^-- [a-z]+( [a-z]+){1,5}$", name));
        Assert.Equal(names.Length, names.Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>A string literal, of one or several lines, that begins with an SQL verb instead of a name.</summary>
    [GeneratedRegex(
        """"(?:"""\s*\n\s*|(?<![\\"\w])"(?!"))(?:select|insert into|update|delete from|with)\s+[^"]*?(?:\bfrom\b|\bas\b|\binto\b|\bset\b|\(\$1|\bpg_)[^\n]*"""",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Statement();

    /// <summary>A named statement: a raw string that begins with its name.</summary>
    [GeneratedRegex(""""("""\s*\n\s*-- [^\n]*\n(?<sql>.*?)\n\s*""")"""", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Body();

    /// <summary>Text constants, comments, names in quotation marks and interpolated C#.</summary>
    [GeneratedRegex("""(\{[^{}]*\}|'[^']*'|--[^\n]*|"[^"]*")""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\b(select|insert into|delete from|from|where|and|or|as|on|limit|values|case|when|then|else|not|null|in|exists|with|update|distinct|group by|order by|returning|union|join|having)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LowerKeyword();

    [GeneratedRegex(""""(?:"""\s*\n\s*-- |TagWith\(")(?<name>[^\n"]+)"""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
