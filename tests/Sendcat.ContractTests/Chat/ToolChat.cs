using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.ToolJobs;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Chat;

/// <summary>The API with the emulated model and no worker: a test does by hand what a worker would do, so that every byte of an answer is known.</summary>
internal sealed partial class ToolChat : IAsyncDisposable
{
    private readonly HttpClient guest;

    private ToolChat(SendcatApi api, UpstreamEmulatorHost model, HttpClient guest) => (Api, Model, this.guest) = (api, model, guest);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Model { get; }

    public static async Task<ToolChat> StartAsync(PostgresFixture postgres, params (string Name, string Value)[] knobs)
    {
        var model = await UpstreamEmulatorHost.StartAsync();
        var settings = new Dictionary<string, string>
        {
            ["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString(),
            ["OPENROUTER_API_KEY"] = "test",
            ["FF_TOOL_QUEUE_ENFORCE"] = "true",
            // A machine that is busy with tests may keep Redis waiting.
            ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        var api = await SendcatApi.StartAsync(postgres, settings);
        return new(api, model, await api.GuestAsync());
    }

    public async Task<string> AskingAsync(string prompt)
    {
        var thread = (string)(await (await guest.PostAsJsonAsync("/api/threads", new { })).JsonAsync())["id"]!;
        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = prompt })).JsonAsync();
        return thread;
    }

    /// <summary>The whole answer as it was sent, with what differs from run to run replaced.</summary>
    public async Task<string> ChatAsync(string thread, string dialect)
    {
        using var answer = await guest.PostAsJsonAsync($"/api/chat?stream={dialect}", new { threadId = thread, webSearch = true, modelId = "moonshotai/kimi-k2.5" });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return Steady(await answer.Content.ReadAsStringAsync());
    }

    public async Task<IReadOnlyList<JsonNode>> MessagesAsync(string thread) =>
        [.. (await (await guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray().Select(item => item!)];

    /// <summary>What the model was told last, by role.</summary>
    public IReadOnlyList<(string Role, string Content)> Told() =>
        [.. Model.Requests[^1].Body.GetProperty("messages").EnumerateArray().Select(message => (message.GetProperty("role").GetString()!, message.GetProperty("content") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : ""))];

    /// <summary>Takes the lane's next job as a worker does.</summary>
    public async Task<LeasedJob> ClaimAsync(ToolLane lane)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            if ((await Claims.ClaimAsync(lane, 1, "test", patience.Token)).Jobs is [var job])
            {
                return job;
            }

            await look.WaitForNextTickAsync(patience.Token);
        }
    }

    public ToolJobLeases Claims => Api.Services.GetRequiredService<ToolJobLeases>();

    public async ValueTask DisposeAsync()
    {
        guest.Dispose();
        await Api.DisposeAsync();
        await Model.DisposeAsync();
    }

    private static string Steady(string stream)
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        var steady = Ids().Replace(stream, match => known.TryGetValue(match.Value, out var name) ? name : known[match.Value] = $"id-{known.Count + 1}");
        return Times().Replace(Durations().Replace(steady, "${name}0"), "TIME").Replace(": ping\n\n", "", StringComparison.Ordinal);
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Ids();

    [GeneratedRegex("(?<name>\"(latencyMs|ttftMs|prompt_tokens|completion_tokens|total_tokens|cost)\":)[\\d.]+", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Durations();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Times();
}
