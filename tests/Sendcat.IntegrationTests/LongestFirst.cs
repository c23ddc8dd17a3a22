using Sendcat.IntegrationTests.ToolJobs;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Sendcat.IntegrationTests.LongestFirst))]

namespace Sendcat.IntegrationTests;

/// <summary>Starts the classes that take minutes first. One that started last would run alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest = [typeof(FreezeRigTests).FullName!, typeof(ToolJobFaultTests).FullName!];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [
            .. testCollections.OrderByDescending(
                collection => Longest.Any(name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal))),
        ];
}
