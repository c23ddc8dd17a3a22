using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>The parameters of docs/configuration.md in a local run. It starts no system.</summary>
public sealed partial class SettingVariableTests
{
    [Fact]
    public async Task In_a_local_run_every_parameter_is_read_from_its_environment_variable()
    {
        using var state = new TestFolder("settings");
        var page = await File.ReadAllTextAsync(Path.Combine(BuiltProgram.Root, "docs", "configuration.md"));
        var parameters = Rows().Matches(page)
            .SelectMany(row => Names().Matches(row.Groups["names"].Value).Zip(
                Names().Matches(row.Groups["variables"].Value),
                (name, variable) => (Name: name.Groups["name"].Value, Variable: variable.Groups[1].Value)))
            .ToList();

        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sendcat_AppHost>(
        [
            "--infra=local",
            $"--SENDCAT_STATE={state.Path}",
            string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={FreePorts.Choose().Base}"),
            .. parameters.Select(parameter => $"--{parameter.Variable}=given to {parameter.Variable}"),
        ]);
        await using (builder)
        {
            var values = builder.Resources.OfType<ParameterResource>().ToDictionary(resource => resource.Name, StringComparer.Ordinal);
            foreach (var (name, variable) in parameters)
            {
                Assert.Equal($"{name}: given to {variable}", $"{name}: {await values[name].GetValueAsync(default)}");
            }
        }

        Assert.Contains(("allowed-origins", "ALLOWED_ORIGINS"), parameters);
        Assert.Contains(("ops-api-key", "OPS_API_KEY"), parameters);
        Assert.True(parameters.Count > 50, $"{parameters.Count} parameters");
    }

    /// <summary>A row of the table of parameters.</summary>
    [GeneratedRegex(
        @"^\| (?<names>`[a-z0-9-]+`(, `[a-z0-9-]+`)*) \| [^|]* \| (?<variables>[^|]*`[A-Z0-9_]+`[^|]*) \|",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Rows();

    [GeneratedRegex("`(?<name>[A-Za-z0-9_-]+)`", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Names();
}
