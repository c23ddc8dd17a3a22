using System.Reflection;
using Sendcat.Reliability.Redis;

namespace Sendcat.UnitTests.Architecture;

/// <summary>Who may know whom: AppHost → the three programs → Reliability and ServiceDefaults → nobody.</summary>
public sealed class FloorTests
{
    private static readonly string[] Ground = ["Sendcat.Reliability", "Sendcat.ServiceDefaults"];
    private static readonly string[] Programs = ["Sendcat.ApiService", "Sendcat.ToolWorker", "Sendcat.Monitor"];

    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        // The emulator is a resource of the local composition.
        ["Sendcat.AppHost"] = [.. Programs, "Sendcat.UpstreamEmulator"],
        ["Sendcat.ApiService"] = Ground,
        ["Sendcat.ToolWorker"] = Ground,
        ["Sendcat.Monitor"] = Ground,
        ["Sendcat.Reliability"] = [],
        ["Sendcat.ServiceDefaults"] = [],

        // It stands in for strangers, and strangers know nothing of us.
        ["Sendcat.UpstreamEmulator"] = [],
    };

    public static TheoryData<string> ProductProjects => [.. Repository.Projects.Where(project => !project.IsTest || MayKnow.ContainsKey(project.Name)).Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void A_project_knows_only_the_floor_below(string name)
    {
        var project = Repository.Projects.Single(found => found.Name == name);

        Assert.True(MayKnow.TryGetValue(name, out var allowed), $"{name} has no floor yet: say here whom it may know.");
        Assert.Empty(project.References.Except(allowed));
    }

    [Fact]
    public void Nobody_knows_the_composition_but_its_end_to_end_tests()
    {
        var acquainted = Repository.Projects.Where(project => project.References.Contains("Sendcat.AppHost")).Select(project => project.Name);

        Assert.Empty(acquainted.Except(["Sendcat.EndToEndTests"]));
    }

    [Fact]
    public void What_was_compiled_keeps_the_floors_too()
    {
        foreach (var program in Programs.Append("Sendcat.Reliability").Append("Sendcat.ServiceDefaults"))
        {
            var assembly = Path.Combine(AppContext.BaseDirectory, program + ".dll");
            if (File.Exists(assembly))
            {
                var known = Assembly.LoadFrom(assembly).GetReferencedAssemblies().Select(reference => reference.Name!).Where(name => name.StartsWith("Sendcat.", StringComparison.Ordinal));
                Assert.Empty(known.Except(MayKnow[program]));
            }
        }
    }

    [Fact]
    public void Reliability_does_not_know_the_web()
    {
        var assembly = typeof(Claim).Assembly;
        var project = Repository.Projects.Single(found => found.Name == "Sendcat.Reliability");

        Assert.DoesNotContain(assembly.GetReferencedAssemblies(), reference => reference.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
        Assert.Equal("Microsoft.NET.Sdk", (string?)project.Content.Attribute("Sdk"));
        Assert.Empty(project.Content.Descendants("FrameworkReference"));
        Assert.DoesNotContain(project.Packages, package => Project.Included(package).StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
    }
}
