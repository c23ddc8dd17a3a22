namespace Sendcat.UnitTests.Architecture;

/// <summary>Rules of the house for project files and folders.</summary>
public sealed class ProjectFileTests
{
    private static readonly string[] RoomsWithoutAName = ["Helpers", "Helper", "Common", "Models", "Extensions", "Utils", "Utilities", "Misc", "Shared"];

    [Fact]
    public void Versions_of_packages_live_in_one_place() =>
        Assert.Empty(
            from project in Repository.Projects
            from package in project.Packages
            where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null || package.Element("Version") is not null
            select $"{project}: {Project.Included(package)}");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Sendcat.Aspire.sln"));

        Assert.All(Repository.Projects, project => Assert.Contains($"\"{project.Name}\"", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Products_do_not_depend_on_test_packages() =>
        Assert.Empty(
            from project in Repository.Projects
            where !project.IsTest
            from package in project.Packages
            where Project.Included(package).StartsWith("xunit", StringComparison.Ordinal) || Project.Included(package).Contains("Testing", StringComparison.Ordinal)
            select $"{project}: {Project.Included(package)}");

    [Fact]
    public void A_folder_is_a_thing_with_a_name() =>
        Assert.Empty(
            from project in Repository.Projects
            from folder in Directory.EnumerateDirectories(project.Folder, "*", SearchOption.AllDirectories)
            where RoomsWithoutAName.Contains(Path.GetFileName(folder))
            select Path.GetRelativePath(Repository.Root, folder));
}
