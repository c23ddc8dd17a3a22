using System.Xml.Linq;

namespace Sendcat.UnitTests.Architecture;

/// <summary>The checkout that this test was built from.</summary>
internal static class Repository
{
    public static readonly string Root = FindRoot(AppContext.BaseDirectory);

    public static readonly IReadOnlyList<Project> Projects = Directory
        .EnumerateFiles(Root, "Sendcat.*.csproj", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 })
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}artifacts{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .Select(Project.Read)
        .ToArray();

    public static IEnumerable<string> SourcesOf(string project) =>
        Projects.Where(found => found.Name == project)
            .SelectMany(found => Directory.EnumerateFiles(found.Folder, "*.cs", SearchOption.AllDirectories));

    private static string FindRoot(string folder) =>
        File.Exists(Path.Combine(folder, "Sendcat.Aspire.sln"))
            ? folder
            : FindRoot(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Not inside a checkout."));
}

/// <summary>A project file: its name, folder and XML content.</summary>
internal sealed record Project(string Name, string Folder, XElement Content)
{
    public bool IsTest => Path.GetFileName(Path.GetDirectoryName(Folder)) == "tests";

    public IEnumerable<string> References =>
        Content.Descendants("ProjectReference").Select(
            reference => Path.GetFileNameWithoutExtension(Included(reference).Replace('\\', '/')));

    public IEnumerable<XElement> Packages => Content.Descendants("PackageReference");

    public static Project Read(string file) =>
        new(Path.GetFileNameWithoutExtension(file), Path.GetDirectoryName(file)!, XElement.Load(file));

    public static string Included(XElement item) => (string?)item.Attribute("Include") ?? (string?)item.Attribute("Update") ?? "";

    public override string ToString() => Name;
}
