using System.Reflection;
using Sendcat.Reliability.Redis;

namespace Sendcat.UnitTests.Architecture;

/// <summary>The allowed project references: AppHost → the three programs → Integrations → Reliability and ServiceDefaults → none.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly string[] Libraries = ["Sendcat.Integrations", "Sendcat.Reliability", "Sendcat.ServiceDefaults"];
    private static readonly string[] Programs = ["Sendcat.ApiService", "Sendcat.ToolWorker", "Sendcat.Monitor"];

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        // The emulator is a resource of the local composition.
        ["Sendcat.AppHost"] = [.. Programs, "Sendcat.UpstreamEmulator"],
        ["Sendcat.ApiService"] = Libraries,
        ["Sendcat.ToolWorker"] = Libraries,
        ["Sendcat.Monitor"] = Libraries,
        ["Sendcat.Integrations"] = ["Sendcat.Reliability", "Sendcat.ServiceDefaults"],
        ["Sendcat.Reliability"] = [],
        ["Sendcat.ServiceDefaults"] = [],

        // It replaces third-party services, which do not depend on Sendcat.
        ["Sendcat.UpstreamEmulator"] = [],
    };

    public static TheoryData<string> ProductProjects =>
        [.. Repository.Projects.Where(project => !project.IsTest || Allowed.ContainsKey(project.Name)).Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void A_project_references_only_the_projects_that_its_layer_allows(string name)
    {
        var project = Repository.Projects.Single(found => found.Name == name);

        Assert.True(
            Allowed.TryGetValue(name, out var references),
            $"{name} has no entry in {nameof(Allowed)}: add the projects that it may reference.");
        Assert.Empty(project.References.Except(references));
    }

    [Fact]
    public void Only_the_end_to_end_tests_reference_the_AppHost()
    {
        var referrers = Repository.Projects.Where(project => project.References.Contains("Sendcat.AppHost"))
            .Select(project => project.Name);

        Assert.Empty(referrers.Except(["Sendcat.EndToEndTests"]));
    }

    [Fact]
    public void Compiled_assemblies_reference_only_allowed_projects()
    {
        foreach (var program in Programs.Append("Sendcat.Integrations").Append("Sendcat.Reliability").Append("Sendcat.ServiceDefaults"))
        {
            var assembly = Path.Combine(AppContext.BaseDirectory, program + ".dll");
            if (File.Exists(assembly))
            {
                var references = Assembly.LoadFrom(assembly).GetReferencedAssemblies()
                    .Select(reference => reference.Name!)
                    .Where(name => name.StartsWith("Sendcat.", StringComparison.Ordinal));
                Assert.Empty(references.Except(Allowed[program]));
            }
        }
    }

    [Fact]
    public void Reliability_does_not_reference_AspNetCore()
    {
        var assembly = typeof(Claim).Assembly;
        var project = Repository.Projects.Single(found => found.Name == "Sendcat.Reliability");

        Assert.DoesNotContain(
            assembly.GetReferencedAssemblies(), reference => reference.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
        Assert.Equal("Microsoft.NET.Sdk", (string?)project.Content.Attribute("Sdk"));
        Assert.Empty(project.Content.Descendants("FrameworkReference"));
        Assert.DoesNotContain(
            project.Packages, package => Project.Included(package).StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
    }
}
