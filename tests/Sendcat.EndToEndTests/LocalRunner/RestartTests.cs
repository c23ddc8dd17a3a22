using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.LocalRunner.Running;

namespace Sendcat.EndToEndTests.LocalRunner;

[Collection(RunningSystem.OneAtATime)]
public sealed class RestartTests(RunningSystem system) : IClassFixture<RunningSystem>
{
    [Theory]
    [InlineData("upstreams")]
    [InlineData("redis-server")]
    [InlineData("rabbitmq-server")]
    [InlineData("postgres-server")]
    public async Task A_process_that_is_killed_is_started_again(string name)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var board = system.App.Services.GetRequiredService<ResourceBoard>();
        var before = (await board.WaitUntilAsync(rows => rows.Any(row => row.Name == name && row.Settled), patience.Token)).Single(row => row.Name == name);

        Process.GetProcessById(before.Pid!.Value).Kill();
        var rows = await board.WaitUntilAsync(rows => rows.Any(row => row.Name == name && row.Restarts == before.Restarts + 1 && row.Settled), patience.Token);

        Assert.NotEqual(before.Pid, rows.Single(row => row.Name == name).Pid);
    }

    [Fact]
    public async Task A_command_that_is_not_there_is_refused_by_name()
    {
        var result = await system.App.ResourceCommands.ExecuteCommandAsync("api", "Make coffee");

        Assert.False(result.Success);
        Assert.Contains("Make coffee", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operators_find_their_commands_on_the_api()
    {
        var commands = system.App.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(resource => resource.Name == "api").Annotations.OfType<CommandAnnotation>();

        Assert.Equal(["Admission: enforce", "Admission: shadow", "Tool cache: clear"], commands.Select(command => command.DisplayName));
    }
}
