using System.Text;
using System.Text.RegularExpressions;

namespace Sendcat.UnitTests.Architecture;

/// <summary>
/// The links between the documents. A relative link points to a file that exists and, with a fragment, to one of its headings. The index in
/// docs/README.md links to every page.
/// </summary>
public sealed partial class DocumentationLinkTests
{
    private static readonly string Docs = Path.Combine(Repository.Root, "docs");
    private static readonly string Index = Path.Combine(Docs, "README.md");

    private static readonly string[] Pages =
    [
        Path.Combine(Repository.Root, "README.md"),
        Path.Combine(Repository.Root, "CONTRIBUTING.md"),
        Path.Combine(Repository.Root, "CHANGELOG.md"),
        .. Directory.EnumerateFiles(Docs, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void Every_relative_link_points_to_a_file()
    {
        var links = Pages.SelectMany(LinksOf).ToArray();

        Assert.True(links.Length > 100, $"Only {links.Length} links were found: check that this test still reads the right pages.");
        Assert.All(links, link => Assert.True(File.Exists(link.File), $"{link} does not exist"));
    }

    [Fact]
    public void Every_fragment_is_a_heading_of_its_page()
    {
        var links = Pages.SelectMany(LinksOf).Where(link => link.Fragment.Length > 0 && File.Exists(link.File)).ToArray();

        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(AnchorsOf(link.File).Contains(link.Fragment), $"{link} is no heading"));
    }

    [Fact]
    public void The_index_links_to_every_page()
    {
        var linked = LinksOf(Index).Select(link => link.File).ToHashSet(StringComparer.Ordinal);
        var missing = Pages.Where(page => page.StartsWith(Docs, StringComparison.Ordinal) && page != Index && !linked.Contains(page));

        Assert.Empty(missing.Select(page => Path.GetRelativePath(Repository.Root, page)));
    }

    [Theory]
    [InlineData("Try it", "try-it")]
    [InlineData("RabbitMQ 3.10.8 and 4.x", "rabbitmq-3108-and-4x")]
    [InlineData("The kill rig: a test that nothing is lost", "the-kill-rig-a-test-that-nothing-is-lost")]
    [InlineData("`tool_jobs` and [their states](jobs.md)", "tool_jobs-and-their-states")]
    public void An_anchor_is_the_heading_as_GitHub_writes_it(string heading, string anchor) => Assert.Equal(anchor, AnchorOf(heading));

    private static IEnumerable<Link> LinksOf(string page) =>
        from Match match in LinkTarget().Matches(InlineCode().Replace(WithoutCodeBlocks(page), ""))
        let target = match.Groups["target"].Value
        where !Scheme().IsMatch(target)
        let parts = target.Split('#', 2)
        let file = parts[0].Length == 0
            ? page
            : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, Uri.UnescapeDataString(parts[0])))
        select new Link(Path.GetRelativePath(Repository.Root, page), target, file, parts.Length == 2 ? parts[1] : "");

    /// <summary>The anchors of the headings. A repeated heading has the suffix -1, -2, and so on.</summary>
    private static HashSet<string> AnchorsOf(string page) =>
        Heading().Matches(WithoutCodeBlocks(page))
            .Select(match => AnchorOf(match.Groups["text"].Value))
            .GroupBy(anchor => anchor, StringComparer.Ordinal)
            .SelectMany(same => same.Select((anchor, index) => index == 0 ? anchor : $"{anchor}-{index}"))
            .ToHashSet(StringComparer.Ordinal);

    private static string AnchorOf(string heading)
    {
        var anchor = new StringBuilder();
        foreach (var letter in LinkWithText().Replace(heading.Trim(), "${text}"))
        {
            if (char.IsLetterOrDigit(letter) || letter is '-' or '_')
            {
                anchor.Append(char.ToLowerInvariant(letter));
            }
            else if (letter == ' ')
            {
                anchor.Append('-');
            }
        }

        return anchor.ToString();
    }

    private static string WithoutCodeBlocks(string page) => CodeBlock().Replace(File.ReadAllText(page), "");

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("`[^`\n]*`", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\([^)]*\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex LinkWithText();

    [GeneratedRegex("^#{1,6} (?<text>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Heading();

    [GeneratedRegex("^[a-z][a-z0-9+.-]*:", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Scheme();

    private sealed record Link(string Page, string Target, string File, string Fragment)
    {
        public override string ToString() => $"{Page}: {Target}";
    }
}
