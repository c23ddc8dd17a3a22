using System.Globalization;
using Sendcat.KillRig.Freezing;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>
/// A short run of the kill rig's <c>freeze</c>. The long run is <c>dotnet run -c Release --project tests/Sendcat.KillRig -- freeze</c>.
/// </summary>
public sealed class FreezeRigTests(ITestOutputHelper output)
{
    [Fact]
    public async Task No_turn_or_job_that_was_accepted_is_lost_while_the_stores_are_suspended_in_turn()
    {
        var options = new FreezeOptions
        {
            People = 12, Replicas = 1, Workers = 1, Frozen = TimeSpan.FromSeconds(8), WarmUp = TimeSpan.FromSeconds(4),
            Calm = TimeSpan.FromSeconds(3), Pause = TimeSpan.FromSeconds(1),
        };
        await using var log = new StringWriter(CultureInfo.InvariantCulture);

        var report = await FreezeRun.RunAsync(options, TimeProvider.System, log, TestContext.Current.CancellationToken);

        output.WriteLine($"{log}\n{report.ToMarkdown()}");
        Assert.NotEqual(0, report.Audit.Turns);
        Assert.NotEqual(0, report.Audit.Jobs);
        Assert.True(report.Audit.Passes, report.ToMarkdown());
    }
}
