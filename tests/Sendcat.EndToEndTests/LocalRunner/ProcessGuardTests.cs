using System.Diagnostics;
using Sendcat.LocalRunner.Running;

namespace Sendcat.EndToEndTests.LocalRunner;

public sealed class ProcessGuardTests
{
    [Fact]
    public async Task Without_a_death_signal_the_end_of_the_runners_pipe_ends_the_process()
    {
        using var guarded = Start(deathSignal: false, "sleep", "600");

        guarded.StandardInput.Close();
        await guarded.WaitForExitAsync();

        Assert.Equal(128 + 9, guarded.ExitCode);
    }

    [Fact]
    public async Task Asked_to_stop_a_guarded_process_stops_and_says_so()
    {
        using var guarded = Start(deathSignal: false, "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
        await guarded.StandardOutput.ReadLineAsync();

        Signals.AskToStop(guarded.Id);
        await guarded.WaitForExitAsync();

        Assert.Equal(7, guarded.ExitCode);
    }

    [Fact]
    public async Task A_process_that_ends_by_itself_keeps_its_exit_code()
    {
        using var guarded = Start(deathSignal: false, "sh", "-c", "exit 3");

        await guarded.WaitForExitAsync();

        Assert.Equal(3, guarded.ExitCode);
    }

    [Fact]
    public async Task A_guarded_process_leads_a_session_of_its_own()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "setsid and setpriv are Linux's");
        using var guarded = Start(deathSignal: true, "sh", "-c", "echo $$ $(ps -o sid= -p $$)");

        var words = (await guarded.StandardOutput.ReadToEndAsync()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal([guarded.Id.ToString(), guarded.Id.ToString()], words);
    }

    private static Process Start(bool deathSignal, string command, params string[] arguments)
    {
        var words = ProcessGuard.Before(command, arguments, deathSignal);
        return Process.Start(new ProcessStartInfo(words[0], words.Skip(1)) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
