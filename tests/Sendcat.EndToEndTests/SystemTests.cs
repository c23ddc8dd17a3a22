using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.EndToEndTests;

[Collection(WholeSystems.Name)]
public sealed class SystemTests(RunningSystem system)
{
    [Theory]
    [InlineData("api", "/health")]
    [InlineData("tool-worker", "/health")]
    [InlineData("monitor", "/alive")]
    [InlineData("upstreams", "/health")]
    [InlineData("dashboard", "/login")]
    public async Task Every_page_responds_on_its_port(string name, string path)
    {
        using var client = new HttpClient();

        using var response = await client.GetAsync($"http://127.0.0.1:{PortOf(name)}{path}");

        Assert.True(response.StatusCode is HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("redis", "redis", "127.0.0.1:{0},password=")]
    [InlineData("sendcatdb", "postgres", "Host=127.0.0.1;Port={0};Username=sendcat;Password=")]
    [InlineData("messaging", "rabbitmq", "@127.0.0.1:{0}")]
    public async Task Every_store_is_a_local_server_with_a_password(string connection, string server, string part)
    {
        var connectionString = await system.App.GetConnectionStringAsync(connection);

        Assert.Contains(string.Format(CultureInfo.InvariantCulture, part, PortOf(server)), connectionString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_chats_and_a_tool_call_runs_through_broker_and_worker()
    {
        await system.WaitForAllAsync();
        using var guest = await Guest.CreateAsync(system.App.CreateHttpClient("api"));
        var thread = await guest.NewThreadAsync("compare two rice cookers under 60 dollars");

        var events = await guest.RunTurnAsync(thread).ToListAsync();

        Assert.Equal("done", events[^1].Type());
        Assert.DoesNotContain(events, e => e.Type() is "tool-backpressure" or "error");
        Assert.Contains(events, e => e.Type() == "tool-input-available" && e.GetProperty("toolName").GetString() == "search_products");
        Assert.Contains(events, e => e.Type() == "tool-output-partially-available" && e.GetProperty("output").GetArrayLength() > 0);
        Assert.Contains(events, e => e.Type() == "content");
        Assert.True((await JobsAsync()).GetProperty("byStatus").GetProperty("completed").GetInt32() > 0);
    }

    [Fact]
    public async Task The_mail_of_a_registration_is_on_the_page_that_the_dashboard_links()
    {
        await system.WaitForAllAsync();
        var upstreams = await system.WaitForAsync("upstreams", resource => resource.Snapshot.Urls.Length > 1);
        var page = Assert.Single(upstreams.Snapshot.Urls, url => url.DisplayProperties.DisplayName == "Mails").Url;
        Assert.EndsWith($":{PortOf("upstreams")}/mail", page, StringComparison.Ordinal);
        using var client = system.App.CreateHttpClient("api");
        var email = $"{Guid.NewGuid():N}@example.com";

        using var registered = await client.PostAsJsonAsync("/api/auth/register", new { email, password = "correct horse 1" });
        Assert.True(registered.IsSuccessStatusCode, await registered.Content.ReadAsStringAsync());

        Assert.Equal("Welcome to Sendcat", await SubjectAsync($"{page}?to={email}"));
    }

    [Fact]
    public async Task An_operator_command_is_signed_with_the_key_of_the_run()
    {
        await system.WaitForAllAsync();

        await system.CommandAsync("api", "admission-enforce");
    }

    /// <summary>
    /// The subject of the first mail of the list, at most a minute later. The emulator does not signal mails to other processes.
    /// </summary>
    private static async Task<string?> SubjectAsync(string list)
    {
        using var client = new HttpClient();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (true)
        {
            var mails = (await client.GetFromJsonAsync<JsonElement>(list, timeout.Token)).GetProperty("items");
            if (mails.GetArrayLength() > 0)
            {
                return mails[0].GetProperty("subject").GetString();
            }

            await poll.WaitForNextTickAsync(timeout.Token);
        }
    }

    private int PortOf(string use) => system.Ports.All.Single(port => port.Use == use).Port;

    /// <summary>The tool jobs as the operator API reports them.</summary>
    private async Task<JsonElement> JobsAsync()
    {
        using var client = system.App.CreateHttpClient("api");
        client.DefaultRequestHeaders.Authorization = new("Bearer", await File.ReadAllTextAsync(Path.Combine(system.State, "ops-api-key")));
        return await client.GetFromJsonAsync<JsonElement>("/api/ops/tool-jobs");
    }
}
