using System.Globalization;
using Sendcat.KillRig.Rig;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The short form of the kill rig; the long one is <c>dotnet run -c Release --project tests/Sendcat.KillRig</c>.</summary>
public sealed class KillRigTests(ITestOutputHelper output)
{
    /// <summary>Names the seed of a run that is to be repeated.</summary>
    private const string SeedVariable = "SENDCAT_KILL_RIG_SEED";

    [Fact]
    public async Task Nothing_is_lost_stuck_or_committed_twice_while_everything_is_killed_in_turn()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        var options = new RigOptions { Length = TimeSpan.FromSeconds(1), Seed = seed, Rate = 90, Submitters = 2, PoisonEvery = TimeSpan.FromSeconds(80) };
        await using var happenings = new StringWriter(CultureInfo.InvariantCulture);
        output.WriteLine($"{SeedVariable}={seed}");

        var report = await KillRun.RunAsync(options, TimeProvider.System, happenings, TestContext.Current.CancellationToken);

        output.WriteLine($"{happenings}\n{report.ToMarkdown()}");
        Assert.True(report.Verdict != "fail", $"{SeedVariable}={seed}\n{happenings}\n{report.ToMarkdown()}");
    }
}
