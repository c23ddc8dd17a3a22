using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>A run that cannot start here ends at once, and says why in one sentence.</summary>
[Collection(WholeSystems.Name)]
public sealed class RefusalTests(RunningSystem system)
{
    [Fact]
    public async Task A_second_run_on_the_same_state_folder_is_refused()
    {
        var sentence = await RefusalAsync(system.State, FreePorts.Choose().Base);

        Assert.Equal($"This checkout runs already (state folder {system.State}); ./sendcat down stops it.", sentence);
    }

    [Fact]
    public async Task A_run_whose_ports_are_taken_is_refused_with_their_names_and_the_way_out()
    {
        using var state = new TestFolder("refused");

        var sentence = await RefusalAsync(state.Path, system.Ports.Base);

        Assert.Contains($"{system.Ports.Redis} (redis)", sentence, StringComparison.Ordinal);
        Assert.Contains($"{system.Ports.Api} (api)", sentence, StringComparison.Ordinal);
        Assert.Contains("SENDCAT_PORT_BASE=", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_with_a_page_on_a_port_that_browsers_block_is_refused()
    {
        using var state = new TestFolder("refused");

        var sentence = await RefusalAsync(state.Path, 5050);

        Assert.Contains("5060", sentence, StringComparison.Ordinal);
    }

    private static async Task<string> RefusalAsync(string state, int portBase)
    {
        await using var appHost = await TestProcess.StartAsync(
            AppHostProgram.With("--infra=local", $"--SENDCAT_STATE={state}", string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={portBase}")));

        Assert.True(await appHost.Exited == 2, appHost.Output);
        return Assert.Single(appHost.Output.Split('\n'));
    }
}
