using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.TestKit;

public sealed class ProcessCostTests
{
    [Fact]
    public async Task The_time_of_a_child_that_has_ended_is_included()
    {
        // A loop of a shell takes some tenths of a second of CPU time; starting a shell takes a hundredth.
        await using var shell = await TestProcess.StartAsync(new ProcessSpec(
            "sh", "-c", "(i=0; while [ $i -lt 500000 ]; do i=$((i + 1)); done); echo ended; sleep 600"));
        await shell.WaitForLineAsync(line => line == "ended", TimeSpan.FromMinutes(1));

        Assert.True(ProcessCost.CpuSeconds(shell.Id) >= 0.1);
    }
}
