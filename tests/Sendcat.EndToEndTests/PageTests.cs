using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>The commands of the pages about mails and messages, as they stand there, against the running system.</summary>
[Collection(WholeSystems.Name)]
public sealed partial class PageTests(RunningSystem system)
{
    [Fact]
    public async Task The_commands_of_the_mail_page_lead_from_a_mailbox_to_a_package()
    {
        await system.WaitForAllAsync();

        var output = await RunAsync(await CommandsOfAsync("docs/how-to/mail.md"));

        Assert.All(
            [
                "http://localhost:3000/settings?tab=connections&gmail=connected",
                "\"status\":\"active\"",
                "\"status\":200,\"replay\":false",
                "\"status\":\"draft\"",
                "\"replay\":true",
                "\"status\":\"confirmed\"",
                "\"status\":\"submitted\"",
                "\"claimed\":1",
                "\"statusLabel\":\"Ready for Pickup\"",
                "\"draftsCreated\":",
            ],
            shown => Assert.Contains(shown, output, StringComparison.Ordinal));
        Assert.Single(ReplayOf().Matches(output));
    }

    [Fact]
    public async Task The_commands_of_the_WhatsApp_page_lead_from_a_code_to_a_draft()
    {
        await system.WaitForAllAsync();

        var output = await RunAsync(await CommandsOfAsync("docs/how-to/whatsapp.md"));

        Assert.All(
            [
                "\"linked\":true", "\"status\":200,\"replay\":false", "\"replay\":true", "112-1234567-1234567", "1Z5R89390357567127",
                "\"hits\":2",
            ],
            shown => Assert.Contains(shown, output, StringComparison.Ordinal));
        Assert.Single(ReplayOf().Matches(output));
    }

    [Fact]
    public async Task The_page_of_scheduled_jobs_lists_those_that_the_workers_registered_with_their_intervals()
    {
        await system.WaitForAllAsync();
        var page = await File.ReadAllTextAsync(Path.Combine(BuiltProgram.Root, "docs/how-to/add-a-scheduled-job.md"));

        using var client = system.App.CreateHttpClient("api");
        client.DefaultRequestHeaders.Authorization = new("Bearer", await File.ReadAllTextAsync(Path.Combine(system.State, "ops-api-key")));
        var schedule = await client.GetFromJsonAsync<JsonElement>("/api/ops/schedule");

        Assert.Equal(
            schedule.GetProperty("items").EnumerateArray()
                .Select(job => (Name: job.GetProperty("name").GetString(), Seconds: job.GetProperty("everySeconds").GetDouble())).Order(),
            Jobs().Matches(page)
                .Select(row => (
                    (string?)row.Groups["name"].Value,
                    int.Parse(row.Groups["number"].Value, CultureInfo.InvariantCulture) * (row.Groups["unit"].Value == "h" ? 3600d : 60d)))
                .Order());
    }

    [Theory]
    [InlineData("mail --sample amazon", "needs --to")]
    [InlineData("mail --to ann@gmail.com", "needs --sample")]
    [InlineData("mail --to ann@gmail.com --sample none", "sample must be one of")]
    [InlineData("mail --to ann@gmail.com missing.eml", "there is no file")]
    [InlineData("message hello", "needs --from")]
    [InlineData("message --from 18765550123", "needs a text")]
    [InlineData("fax", "mail or message")]
    public async Task A_delivery_that_cannot_be_made_says_why(string arguments, string why)
    {
        await using var deliver = await StartAsync($"./sendcat deliver {arguments}");

        Assert.Equal(2, await deliver.Exited);
        Assert.Contains(why, Assert.Single(deliver.Output.Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_system_that_is_not_local_gets_no_deliveries()
    {
        await using var deliver = await StartAsync(
            "SENDCAT_API_URL=https://api.sendcat.example ./sendcat deliver message --from 18765550123 hello");

        Assert.Equal(2, await deliver.Exited);
        Assert.Contains("https://api.sendcat.example", Assert.Single(deliver.Output.Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_running_system_nothing_is_delivered()
    {
        using var state = new TestFolder("none");

        await using var deliver = await StartAsync(
            $"SENDCAT_STATE={state.Path} SENDCAT_PORT_BASE={FreePorts.Choose().Base} ./sendcat deliver message --from 18765550123 hello");

        Assert.Equal(2, await deliver.Exited);
        Assert.Contains("./sendcat up starts it", Assert.Single(deliver.Output.Split('\n')), StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(string commands)
    {
        await using var shell = await StartAsync(commands);
        var code = await shell.Exited;
        Assert.True(code == 0, $"{code}:\n{shell.Output}");
        return shell.Output;
    }

    private Task<TestProcess> StartAsync(string commands) => TestProcess.StartAsync(new("bash", "-euo", "pipefail", "-c", commands)
    {
        WorkingDirectory = BuiltProgram.Root,
        Environment = new Dictionary<string, string?> { ["SENDCAT_STATE"] = system.State },
    });

    /// <summary>All commands of a page for this system, which is up already.</summary>
    private async Task<string> CommandsOfAsync(string page)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(BuiltProgram.Root, page));
        var blocks = Commands().Matches(text).Select(block => block.Groups["commands"].Value);
        return Up().Replace(string.Concat(blocks), "")
            .Replace(":5080", string.Create(CultureInfo.InvariantCulture, $":{system.Ports.Api}"), StringComparison.Ordinal)
            .Replace(":5070", string.Create(CultureInfo.InvariantCulture, $":{system.Ports.Upstreams}"), StringComparison.Ordinal)
            .Replace(".sendcat/", $"{system.State}/", StringComparison.Ordinal);
    }

    [GeneratedRegex(
        "^```bash\n(?<commands>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Commands();

    [GeneratedRegex(
        @"^\| `(?<name>[a-z-]+)` \| (?<number>\d+) (?<unit>h|min) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Jobs();

    [GeneratedRegex("^./sendcat up.*\n", RegexOptions.Multiline, 1_000)]
    private static partial Regex Up();

    [GeneratedRegex("\"replay\":true", RegexOptions.None, 1_000)]
    private static partial Regex ReplayOf();
}
