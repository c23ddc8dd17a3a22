using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>Tests that a process that ends without a command is restarted.</summary>
[Collection(WholeSystems.Name)]
public sealed class RestartOnExitTests(RunningSystem system)
{
    [Fact]
    public async Task A_program_ended_by_kill_9_is_restarted()
    {
        await system.WaitForAllAsync();
        var killed = ProcessId(await system.WaitForAsync("api", IsHealthy));

        Kill(killed);

        await system.WaitForAsync("api", state => IsHealthy(state) && ProcessId(state) != killed);
    }

    [Fact]
    public async Task A_server_ended_by_kill_9_is_restarted_and_a_resource_stopped_by_a_command_is_not()
    {
        await system.WaitForAllAsync();
        var killed = ProcessId(await system.WaitForAsync("redis-server", IsHealthy));
        await system.CommandAsync("monitor", KnownResourceCommands.StopCommand);
        var stopped = await system.WaitForAsync("monitor", HasEnded);

        // A wrong restart of the monitor would come first: its pause begins earlier and is not longer than the pause of Redis.
        Kill(killed);
        await system.WaitForAsync("redis-server", state => IsHealthy(state) && ProcessId(state) != killed);

        Assert.True(system.App.ResourceNotifications.TryGetCurrentState(stopped.ResourceId, out var later));
        Assert.True(HasEnded(later), later.Snapshot.State?.Text);
        await system.CommandAsync("monitor", KnownResourceCommands.StartCommand);
        await system.WaitForAsync("monitor", IsHealthy);
    }

    private static bool IsHealthy(ResourceEvent state) =>
        state.Snapshot.HealthStatus is HealthStatus.Healthy && state.Snapshot.State?.Text == KnownResourceStates.Running;

    private static bool HasEnded(ResourceEvent state) => KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text);

    private static int ProcessId(ResourceEvent state) =>
        Convert.ToInt32(
            state.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value ?? 0,
            CultureInfo.InvariantCulture);

    /// <summary>Kills the program itself. For a project it is the child process of <c>dotnet run</c>.</summary>
    private static void Kill(int processId)
    {
        using var program = Process.GetProcessById(ProcessTree.Of(processId)[^1]);
        program.Kill();
    }
}
