using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.EndToEndTests;

[Collection(WholeSystems.Name)]
public sealed class SystemTests(RunningSystem system)
{
    [Theory]
    [InlineData("api", "/health", 80)]
    [InlineData("tool-worker", "/health", 110)]
    [InlineData("monitor", "/alive", 90)]
    [InlineData("upstreams", "/health", 70)]
    public async Task Every_program_is_healthy_on_the_port_that_its_replicas_share(string name, string path, int offset)
    {
        using var client = system.App.CreateHttpClient(name, "http");

        using var response = await client.GetAsync(path);

        Assert.Equal(system.Ports.Base + offset, client.BaseAddress!.Port);
        Assert.True(response.StatusCode is HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("redis", "127.0.0.1:{0},password=", 20)]
    [InlineData("sendcatdb", "Port={0};Username=sendcat", 21)]
    [InlineData("messaging", "@127.0.0.1:{0}", 22)]
    public async Task Every_store_is_a_local_server_with_a_password(string name, string part, int offset)
    {
        var connectionString = await system.App.GetConnectionStringAsync(name);

        Assert.Contains(string.Format(CultureInfo.InvariantCulture, part, system.Ports.Base + offset), connectionString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_chats_and_a_tool_call_runs_through_broker_and_worker()
    {
        await system.WaitForAllAsync();
        using var guest = await Guest.ArriveAsync(system.App.CreateHttpClient("api"));
        var thread = await guest.AskAsync("compare two rice cookers under 60 dollars");

        var events = await guest.AnswerAsync(thread).ToListAsync();

        Assert.Equal("done", events[^1].Type());
        Assert.DoesNotContain(events, e => e.Type() is "tool-backpressure" or "error");
        Assert.Contains(events, e => e.Type() == "tool-input-available" && e.GetProperty("toolName").GetString() == "search_products");
        Assert.Contains(events, e => e.Type() == "tool-output-partially-available" && e.GetProperty("output").GetArrayLength() > 0);
        Assert.Contains(events, e => e.Type() == "content");
        Assert.True((await JobsAsync()).GetProperty("byStatus").GetProperty("completed").GetInt32() > 0);
    }

    [Fact]
    public async Task An_operator_command_is_signed_with_the_key_of_the_run()
    {
        await system.WaitForAllAsync();

        await system.CommandAsync("api", "admission-enforce");
    }

    /// <summary>Jobs as the operators see them.</summary>
    private async Task<JsonElement> JobsAsync()
    {
        using var client = system.App.CreateHttpClient("api");
        client.DefaultRequestHeaders.Authorization = new("Bearer", await File.ReadAllTextAsync(Path.Combine(system.State, "ops-api-key")));
        return await client.GetFromJsonAsync<JsonElement>("/api/ops/tool-jobs");
    }
}
