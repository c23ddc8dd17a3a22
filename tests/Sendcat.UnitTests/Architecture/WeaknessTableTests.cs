using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>docs/weaknesses.md names tests as evidence for each fixed weakness. Each named test must exist.</summary>
public sealed partial class WeaknessTableTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "weaknesses.md"));

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .ToLookup(file => Path.GetFileNameWithoutExtension(file), File.ReadAllText, StringComparer.Ordinal);
        var named = Named().Matches(Page).Select(match => (Class: match.Groups["class"].Value, Method: match.Groups["method"].Value))
            .ToArray();

        Assert.NotEmpty(named);
        Assert.All(named, test => Assert.True(
            tests[test.Class].Any(source => source.Contains($" {test.Method}(", StringComparison.Ordinal)),
            $"{test.Class}.{test.Method} does not exist"));
    }

    [Fact]
    public void Every_weakness_has_one_row()
    {
        var rows = Row().Matches(Page).Select(
            match => int.Parse(match.Groups["number"].Value, System.Globalization.CultureInfo.InvariantCulture)).ToArray();

        Assert.Equal([.. Enumerable.Range(1, 64), 66, 67], rows);
    }

    [GeneratedRegex(@"`(?<class>\w+Tests)\.(?<method>\w+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| W-(?<number>\d+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Row();
}
