using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.TestKit;

/// <summary>The test kit's child processes.</summary>
public sealed class TestProcessTests
{
    [Fact]
    public async Task A_kill_ends_all_descendants_even_while_new_ones_start()
    {
        // A sleep of 986… seconds marks the descendants: no other process has this command line.
        var mark = string.Create(CultureInfo.InvariantCulture, $"986{Environment.ProcessId}");
        var parent = await TestProcess.StartAsync(
            new ProcessSpec("/bin/bash", "-c", $"echo started; while :; do sleep {mark} & sleep 0.002; done"));
        await parent.WaitForLineAsync(line => line == "started", TimeSpan.FromSeconds(20));

        await parent.KillAsync();

        Assert.DoesNotContain(
            Directory.EnumerateDirectories("/proc"), process => CommandOf(process).Contains(mark, StringComparison.Ordinal));
        await parent.DisposeAsync();
    }

    private static string CommandOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
