using System.Text.RegularExpressions;
using Sendcat.TestKit.Processes;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Docs;

/// <summary>The examples of the pages run as they stand there, against the API and the emulated model.</summary>
public sealed partial class PageExampleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private UpstreamEmulatorHost _model = null!;
    private SendcatApi _api = null!;

    public async ValueTask InitializeAsync()
    {
        _model = await UpstreamEmulatorHost.StartAsync();
        _api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPENROUTER_BASE_URL"] = _model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test",
            ["AUTH_CONFIRMED_DOMAINS"] = "example.com", ["OPS_API_KEY"] = SendcatApi.OpsKey,
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _model.DisposeAsync();
    }

    [Fact]
    public async Task The_commands_of_the_identity_page_lead_from_a_guest_to_an_account()
    {
        var commands = ExampleOf(await ReadAsync("docs/identity-and-threads.md"), "bash");

        var output = await RunAsync(
            "bash", "-euo", "pipefail", "-c",
            commands.Replace("http://localhost:5080", _api.Anyone.BaseAddress!.ToString().TrimEnd('/'), StringComparison.Ordinal));

        Assert.Contains("data: {\"type\":\"done\"}", output, StringComparison.Ordinal);
        Assert.Contains("\"toolName\":\"search_products\"", output, StringComparison.Ordinal);
        Assert.Contains("claimed 1", output, StringComparison.Ordinal);
        Assert.Contains("\"role\":\"assistant\"", output, StringComparison.Ordinal);
        Assert.EndsWith("403", output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_commands_of_the_orders_page_lead_from_an_announcement_to_a_package()
    {
        var commands = ExampleOf(await ReadAsync("docs/orders.md"), "bash")
            .Replace("$(cat .sendcat/ops-api-key)", SendcatApi.OpsKey, StringComparison.Ordinal);

        var output = await RunAsync(
            "bash", "-euo", "pipefail", "-c",
            commands.Replace("http://localhost:5080", _api.Anyone.BaseAddress!.ToString().TrimEnd('/'), StringComparison.Ordinal));

        Assert.Contains("\"autoCreatePreAlerts\":true", output, StringComparison.Ordinal);
        Assert.Contains("\"unclaimed\":1", output, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"submitted\"", output, StringComparison.Ordinal);
        Assert.Contains("\"stale\":1", output, StringComparison.Ordinal);
        Assert.Contains("\"statusLabel\":\"Ready for Pickup\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_of_the_README_reads_a_whole_answer()
    {
        Assert.SkipUnless(Executable.Find("node") is not null, "Node is not installed: nodejs.org");
        var script = ExampleOf(await ReadAsync("README.md"), "js");

        var output = await RunAsync(
            "node", "--input-type=module", "-e",
            script.Replace("http://localhost:5080", _api.Anyone.BaseAddress!.ToString().TrimEnd('/'), StringComparison.Ordinal));

        Assert.StartsWith("start {", output.TrimStart(), StringComparison.Ordinal);
        Assert.Contains("content ", output, StringComparison.Ordinal);
        Assert.Contains("done {", output, StringComparison.Ordinal);
    }

    private static Task<string> RunAsync(string program, params string[] arguments) => TestProcess.RunAsync(new(program, arguments));

    private static Task<string> ReadAsync(string page) => File.ReadAllTextAsync(Path.Combine(BuiltProgram.Root, page));

    /// <summary>The longest code block of this language.</summary>
    private static string ExampleOf(string page, string language) =>
        CodeBlock().Matches(page).Where(block => block.Groups["language"].Value == language).Select(block => block.Groups["code"].Value)
            .MaxBy(code => code.Length)!;

    [GeneratedRegex(
        "^```(?<language>[a-z]+)\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        1_000)]
    private static partial Regex CodeBlock();
}
