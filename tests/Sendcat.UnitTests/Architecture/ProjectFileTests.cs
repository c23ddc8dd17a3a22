namespace Sendcat.UnitTests.Architecture;

/// <summary>The rules for project files and folder names.</summary>
public sealed class ProjectFileTests
{
    private static readonly string[] GenericNames =
    [
        "Helpers", "Helper", "Common", "Models", "Extensions", "Utils", "Utilities", "Misc", "Shared",
    ];

    [Fact]
    public void Project_files_set_no_package_versions() =>
        Assert.Empty(
            from project in Repository.Projects
            from package in project.Packages
            where package.Attribute("Version") is not null
                || package.Attribute("VersionOverride") is not null
                || package.Element("Version") is not null
            select $"{project}: {Project.Included(package)}");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Sendcat.Aspire.sln"));

        Assert.All(Repository.Projects, project => Assert.Contains($"\"{project.Name}\"", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Product_projects_do_not_depend_on_test_packages() =>
        Assert.Empty(
            from project in Repository.Projects
            where !project.IsTest
            from package in project.Packages
            where Project.Included(package).StartsWith("xunit", StringComparison.Ordinal)
                || Project.Included(package).Contains("Testing", StringComparison.Ordinal)
            select $"{project}: {Project.Included(package)}");

    [Fact]
    public void No_folder_has_a_generic_name() =>
        Assert.Empty(
            from project in Repository.Projects
            from folder in Directory.EnumerateDirectories(project.Folder, "*", SearchOption.AllDirectories)
            where GenericNames.Contains(Path.GetFileName(folder))
            select Path.GetRelativePath(Repository.Root, folder));
}
