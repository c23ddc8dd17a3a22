using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>What ends by itself is started again.</summary>
[Collection(WholeSystems.Name)]
public sealed class RestartOnExitTests(RunningSystem system)
{
    [Fact]
    public async Task A_program_ended_by_kill_9_is_started_again()
    {
        await system.WaitForAllAsync();
        var killed = ProcessId(await system.WaitForAsync("api", IsHealthy));

        Kill(killed);

        await system.WaitForAsync("api", state => IsHealthy(state) && ProcessId(state) != killed);
    }

    [Fact]
    public async Task A_server_ended_by_kill_9_is_started_again_and_what_a_command_stopped_is_not()
    {
        await system.WaitForAllAsync();
        var killed = ProcessId(await system.WaitForAsync("redis-server", IsHealthy));
        await system.CommandAsync("monitor", KnownResourceCommands.StopCommand);
        var stopped = await system.WaitForAsync("monitor", HasEnded);

        // The pause before a restart of the monitor would be no longer than that of Redis, and begin earlier.
        Kill(killed);
        await system.WaitForAsync("redis-server", state => IsHealthy(state) && ProcessId(state) != killed);

        Assert.True(system.App.ResourceNotifications.TryGetCurrentState(stopped.ResourceId, out var later));
        Assert.True(HasEnded(later), later.Snapshot.State?.Text);
        await system.CommandAsync("monitor", KnownResourceCommands.StartCommand);
        await system.WaitForAsync("monitor", IsHealthy);
    }

    private static bool IsHealthy(ResourceEvent state) => state.Snapshot.HealthStatus is HealthStatus.Healthy && state.Snapshot.State?.Text == KnownResourceStates.Running;

    private static bool HasEnded(ResourceEvent state) => KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text);

    private static int ProcessId(ResourceEvent state) =>
        Convert.ToInt32(state.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value ?? 0, CultureInfo.InvariantCulture);

    /// <summary>The program itself, which for a project is the child of <c>dotnet run</c>.</summary>
    private static void Kill(int processId)
    {
        using var program = Process.GetProcessById(ProcessFamily.Of(processId)[^1]);
        program.Kill();
    }
}
