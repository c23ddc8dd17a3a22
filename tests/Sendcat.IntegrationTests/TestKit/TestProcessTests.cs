using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.TestKit;

public sealed class TestProcessTests
{
    [Fact]
    public async Task Nobody_of_a_growing_family_outlives_its_kill()
    {
        // 986… seconds: a command that nobody else runs.
        var mark = string.Create(CultureInfo.InvariantCulture, $"986{Environment.ProcessId}");
        var family = await TestProcess.StartAsync(new ProcessSpec("/bin/bash", "-c", $"echo born; while :; do sleep {mark} & sleep 0.002; done"));
        await family.WaitForLineAsync(line => line == "born", TimeSpan.FromSeconds(20));

        await family.KillAsync();

        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc"), process => CommandOf(process).Contains(mark, StringComparison.Ordinal));
        await family.DisposeAsync();
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
