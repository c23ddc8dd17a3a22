using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Restarts of single processes that an operator requests through the API.</summary>
public sealed class ProcessRestartTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_replica_finishes_its_turn_and_a_worker_its_jobs_before_they_stop_for_a_restart()
    {
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 2, workers: 2);
        var (api, worker) = (sendcat.Replicas[1].Process, sendcat.Workers[1].Process);
        var guest = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        await using var turn = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=60 every=100ms]]"));
        await turn.ReadUntilAsync("content");

        await RestartAsync(sendcat, worker);
        await RestartAsync(sendcat, api);

        Assert.Equal(0, await worker.Exited.WaitAsync(MaxWait));
        var events = await turn.ReadToEndAsync();
        Assert.Equal("done", events[^1].GetProperty("type").GetString());
        Assert.Equal(0, await api.Exited.WaitAsync(MaxWait));
        Assert.Contains("[2953]", api.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("[2953] The process stops, for a restart by an operator: 1 turns", api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_whose_turn_lasts_longer_than_the_wait_stops_nevertheless_and_a_resume_calls_it_off()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 2);
        var (kept, stopped) = (sendcat.Replicas[0], sendcat.Replicas[1]);
        await using var long1 = await LongTurnAsync(kept.Address);
        await using var long2 = await LongTurnAsync(stopped.Address);

        var id = await RestartAsync(sendcat, kept.Process, waitSeconds: 3_600);
        await kept.Process.WaitForLineAsync(line => line.Contains("[2951] The process was drained", StringComparison.Ordinal), MaxWait);
        await PostAsync(sendcat, $"replicas/{id}/resume");
        await kept.Process.WaitForLineAsync(line => line.Contains("[2951] The process was resumed", StringComparison.Ordinal), MaxWait);

        // Until its next report it counts as drained, and the other one is the last that takes work.
        await Eventually.TrueAsync(async () =>
            (await ReplicasAsync(sendcat)).Single(replica => Text(replica, "id") == id).GetProperty("draining").GetBoolean() is false);
        await RestartAsync(sendcat, stopped.Process, waitSeconds: 1);

        Assert.Equal(0, await stopped.Process.Exited.WaitAsync(MaxWait));
        Assert.False(kept.Process.Exited.IsCompleted);
        Assert.Contains(
            "[2953] The process stops, for a restart by an operator: 1 turns", stopped.Process.Output, StringComparison.Ordinal);
    }

    private static async Task<ChatStream> LongTurnAsync(Uri address)
    {
        var guest = await SendcatClient.GuestAsync(address);
        var turn = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=100000 every=100ms]]"));
        await turn.ReadUntilAsync("content");
        return turn;
    }

    /// <returns>The id of the process.</returns>
    private static async Task<string> RestartAsync(SendcatSystem sendcat, TestProcess process, int waitSeconds = 60)
    {
        var id = "";
        await Eventually.TrueAsync(async () =>
        {
            var own = (await ReplicasAsync(sendcat))
                .Where(replica => replica.TryGetProperty("pid", out var pid) && pid.GetInt32() == process.Id).ToList();
            id = own.Count == 1 ? Text(own[0], "id")! : "";
            return own.Count == 1;
        });
        await PostAsync(sendcat, $"replicas/{id}/restart?waitSeconds={waitSeconds}");
        return id;
    }

    private static async Task<List<JsonElement>> ReplicasAsync(SendcatSystem sendcat)
    {
        using var operators = Operators(sendcat);
        return [.. (await operators.GetFromJsonAsync<JsonElement>("/api/ops/replicas")).GetProperty("items").EnumerateArray()];
    }

    private static string? Text(JsonElement replica, string name) => replica.GetProperty(name).GetString();

    private static async Task PostAsync(SendcatSystem sendcat, string path)
    {
        using var operators = Operators(sendcat);
        using var response = await operators.PostAsync($"/api/ops/{path}", null);
        response.EnsureSuccessStatusCode();
    }

    private static HttpClient Operators(SendcatSystem sendcat)
    {
        var client = new HttpClient { BaseAddress = sendcat.Api.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        client.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        return client;
    }
}
