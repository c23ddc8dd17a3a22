using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>Tests of a run that cannot start: it ends at once with exit code 2 and writes one line with the reason.</summary>
[Collection(WholeSystems.Name)]
public sealed class RefusalTests(RunningSystem system)
{
    [Fact]
    public async Task A_second_run_on_the_same_state_folder_is_refused()
    {
        var message = await RefusalAsync(system.State, FreePorts.Choose().Base);

        Assert.Equal($"This checkout runs already (state folder {system.State}); ./sendcat down stops it.", message);
    }

    [Fact]
    public async Task A_run_with_ports_in_use_is_refused_with_their_names_and_the_setting_to_change()
    {
        using var state = new TestFolder("refused");

        var message = await RefusalAsync(state.Path, system.Ports.Base);

        Assert.Contains($"{system.Ports.Redis} (redis)", message, StringComparison.Ordinal);
        Assert.Contains($"{system.Ports.Api} (api)", message, StringComparison.Ordinal);
        Assert.Contains("SENDCAT_PORT_BASE=", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_with_a_page_on_a_port_that_browsers_block_is_refused()
    {
        using var state = new TestFolder("refused");

        var message = await RefusalAsync(state.Path, 5050);

        Assert.Contains("5060", message, StringComparison.Ordinal);
    }

    private static async Task<string> RefusalAsync(string state, int portBase)
    {
        await using var appHost = await TestProcess.StartAsync(
            AppHostProgram.With(
                "--infra=local", $"--SENDCAT_STATE={state}",
                string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={portBase}")));

        Assert.True(await appHost.Exited == 2, appHost.Output);
        return Assert.Single(appHost.Output.Split('\n'));
    }
}
