using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sendcat.Monitor.Watch;

namespace Sendcat.UnitTests.Monitor;

public sealed class WatchTests
{
    [Fact]
    public async Task The_console_shows_for_every_address_whether_it_can_start_chats()
    {
        await using var up = await ApiStub.StartAsync((app, _) => Map(app, healthy: true, ok: true));
        await using var degraded = await ApiStub.StartAsync((app, _) => Map(app, healthy: true, ok: false));
        var down = await ApiStub.StartAsync((app, _) => Map(app, healthy: true, ok: true));
        var downAddress = down.Address;
        await down.DisposeAsync();

        await using var console = await StartAsync($"{up.Address};{degraded.Address};{downAddress}");
        using var http = new HttpClient { BaseAddress = new(console.Urls.First()) };
        var status = await http.GetFromJsonAsync<JsonElement>("api/status", TestContext.Current.CancellationToken);
        var known = ConsoleStatus.Of(console.Services.GetRequiredService<ObservationHistory>(), DateTimeOffset.UnixEpoch);

        var states = known.Apis.ToDictionary(api => api.Address, api => api.Latest.State);
        Assert.Equal("up", states[up.Address]);
        Assert.Equal("degraded", states[degraded.Address]);
        Assert.Equal("down", states[downAddress]);
        Assert.Equal("down", status.GetProperty("state").GetString());
        Assert.Equal(["at", "state", "problem"], status.EnumerateObject().Select(field => field.Name));
        Assert.Contains("Healthy", await http.GetStringAsync("health", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_discovery_returns_every_replica()
    {
        await using var one = await ApiStub.StartAsync((app, _) => Map(app, healthy: true, ok: true));
        await using var two = await ApiStub.StartAsync((app, _) => Map(app, healthy: false, ok: true));

        await using var console = await StartAsync(null, $"--services:api:http:0={one.Address}", $"--services:api:http:1={two.Address}");
        var apis = console.Services.GetRequiredService<ObservationHistory>().Snapshot();

        Assert.Equal(2, apis.Count);
        Assert.Contains(apis, api => api.Observations[^1] is { State: "degraded", HealthStatus: 503 });
    }

    [Fact]
    public void The_history_is_bounded_and_removes_addresses_that_are_no_longer_observed()
    {
        var history = new ObservationHistory();
        ApiObservation At(string address, int second) =>
            new(DateTimeOffset.UnixEpoch.AddSeconds(second), new(address), "up", 200, 200, true, null, 1, null, null);

        history.Add([At("http://old/", 0)]);
        for (var i = 1; i <= ObservationHistory.Capacity + 5; i++)
        {
            history.Add([At("http://new/", i)]);
        }

        var (address, observations) = Assert.Single(history.Snapshot());
        Assert.Equal("http://new/", address.AbsoluteUri);
        Assert.Equal(ObservationHistory.Capacity, observations.Count);
    }

    private static async Task<WebApplication> StartAsync(string? apiUrl, params string[] settings)
    {
        var console = WatchProgram.Build(
            [
                "--urls=http://127.0.0.1:0", $"--SENDCAT_API_URL={apiUrl}", "--SENDCAT_WATCH_INTERVAL_MS=600000",
                "--Logging:LogLevel:Default=None", .. settings,
            ]);
        await console.StartAsync();
        await console.Services.GetServices<IHostedService>().OfType<ApiWatcher>().Single()
            .ProbeOnceAsync(TestContext.Current.CancellationToken);
        return console;
    }

    private static void Map(WebApplication app, bool healthy, bool ok)
    {
        app.MapGet("/health", () => Results.Text(healthy ? "Healthy" : "Unhealthy", statusCode: healthy ? 200 : 503));
        app.MapGet("/api/chat/health", () => Results.Json(new { ok, mode = "authoritative" }, statusCode: ok ? 200 : 503));
    }
}
