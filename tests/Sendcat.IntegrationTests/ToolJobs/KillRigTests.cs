using System.Globalization;
using Sendcat.KillRig.Freezing;
using Sendcat.KillRig.Rig;
using Sendcat.KillRig.Verdict;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Short runs of the kill rig. The long runs are <c>dotnet run -c Release --project tests/Sendcat.KillRig</c> and its <c>freeze</c>.</summary>
public sealed class KillRigTests(ITestOutputHelper output)
{
    /// <summary>The environment variable that replaces the seed, to repeat another run.</summary>
    private const string SeedVariable = "SENDCAT_KILL_RIG_SEED";

    /// <summary>The seed is fixed, and the first run decides: an undecided run fails the test and is not repeated with another seed.</summary>
    private const int DefaultSeed = 42;

    [Fact]
    public async Task No_job_is_lost_stuck_or_committed_twice_while_all_processes_are_killed_in_turn()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out var given) ? given : DefaultSeed;

        var report = await RunAsync(seed);

        Assert.True(report.Verdict == "pass", $"{SeedVariable}={report.Options.Seed}\n{report.ToMarkdown()}");
    }

    [Fact]
    public async Task No_turn_or_job_that_was_accepted_is_lost_while_the_stores_are_suspended_in_turn()
    {
        var options = new FreezeOptions
        {
            People = 12, Replicas = 1, Workers = 1, Frozen = TimeSpan.FromSeconds(8), WarmUp = TimeSpan.FromSeconds(4), Calm = TimeSpan.FromSeconds(3), Pause = TimeSpan.FromSeconds(1),
        };
        await using var log = new StringWriter(CultureInfo.InvariantCulture);

        var report = await FreezeRun.RunAsync(options, TimeProvider.System, log, TestContext.Current.CancellationToken);

        output.WriteLine($"{log}\n{report.ToMarkdown()}");
        Assert.NotEqual(0, report.Audit.Turns);
        Assert.NotEqual(0, report.Audit.Jobs);
        Assert.True(report.Audit.Passes, report.ToMarkdown());
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
