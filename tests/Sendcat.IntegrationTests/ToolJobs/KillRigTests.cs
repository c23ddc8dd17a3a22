using System.Globalization;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Verdict;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>
/// A short run of the kill rig. The long run is <c>dotnet run -c Release --project tests/Sendcat.KillRig</c>. It runs after the other
/// tests: a worker that gets no processor time for longer than its lease is another fault, which the rig neither injects nor knows.
/// </summary>
[Collection(nameof(RunsAlone))]
public sealed class KillRigTests(ITestOutputHelper output)
{
    /// <summary>The environment variable that replaces the seed, to repeat another run.</summary>
    private const string SeedVariable = "SENDCAT_KILL_RIG_SEED";

    /// <summary>
    /// The seed is fixed, and the first run decides: an undecided run fails the test and is not repeated with another seed.
    /// </summary>
    private const int DefaultSeed = 42;

    [Fact]
    public async Task No_job_is_lost_stuck_or_committed_twice_while_all_processes_are_killed_in_turn()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out var given)
            ? given
            : DefaultSeed;

        var report = await RunAsync(seed);

        Assert.True(report.Verdict == "pass", $"{SeedVariable}={report.Options.Seed}\n{report.ToMarkdown()}");
    }

    private async Task<RigReport> RunAsync(int seed)
    {
        var options = new RigOptions
        {
            Length = TimeSpan.FromSeconds(1),
            Seed = seed,
            Rate = 40,
            MessageRate = 2,
            Submitters = 2,
            Replicas = 1,
            PoisonEvery = TimeSpan.FromSeconds(80),
        };
        await using var log = new StringWriter(CultureInfo.InvariantCulture);
        output.WriteLine($"{SeedVariable}={seed}");
        var report = await KillRun.RunAsync(options, TimeProvider.System, log, TestContext.Current.CancellationToken);
        output.WriteLine($"{log}\n{report.ToMarkdown()}");
        return report;
    }
}

/// <summary>Tests beside which no other test of the program runs.</summary>
[CollectionDefinition(nameof(RunsAlone), DisableParallelization = true)]
public sealed class RunsAlone;
