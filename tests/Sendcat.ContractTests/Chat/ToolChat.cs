using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Chat;

/// <summary>
/// The API with the emulated model and without a worker. The test claims and settles tool jobs itself, so that
/// every byte of a response is known.
/// </summary>
internal sealed partial class ToolChat : IAsyncDisposable
{
    private readonly HttpClient _guest;

    private ToolChat(SendcatApi api, UpstreamEmulatorHost model, HttpClient guest) => (Api, Model, _guest) = (api, model, guest);

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
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        var api = await SendcatApi.StartAsync(postgres, settings);
        return new(api, model, await api.GuestAsync());
    }

    /// <summary>Creates a thread with the prompt as its only message and returns the thread id.</summary>
    public async Task<string> StartThreadAsync(string prompt)
    {
        var thread = (string)(await (await _guest.PostAsJsonAsync("/api/threads", new { })).JsonAsync())["id"]!;
        await (await _guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = prompt })).JsonAsync();
        return thread;
    }

    /// <summary>
    /// Runs a turn and returns the complete response stream.
    /// Ids, times, durations, token counts and costs are replaced by constants; pings are removed.
    /// </summary>
    public async Task<string> ChatAsync(string thread, string dialect)
    {
        using var response = await _guest.PostAsJsonAsync(
            $"/api/chat?stream={dialect}", new { threadId = thread, webSearch = true, modelId = "moonshotai/kimi-k2.5" });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return Normalize(await response.Content.ReadAsStringAsync());
    }

    public async Task<IReadOnlyList<JsonNode>> MessagesAsync(string thread) =>
        [.. (await (await _guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray().Select(item => item!)];

    /// <summary>The messages of the latest request to the model. The content is empty if it is not a string.</summary>
    public IReadOnlyList<(string Role, string Content)> ModelMessages() =>
        [
            .. Model.Requests[^1].Body.GetProperty("messages").EnumerateArray()
                .Select(
                    message => (
                        message.GetProperty("role").GetString()!,
                        message.GetProperty("content") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "")),
        ];

    /// <summary>Claims the next job of the lane as a worker does. Waits for at most 30 s.</summary>
    public async Task<LeasedJob> ClaimAsync(ToolLane lane)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            if ((await Leases.ClaimAsync(lane, 1, "test", timeout.Token)).Jobs is [var job])
            {
                return job;
            }

            await poll.WaitForNextTickAsync(timeout.Token);
        }
    }

    public ToolJobLeases Leases => Api.Services.GetRequiredService<ToolJobLeases>();

    public async ValueTask DisposeAsync()
    {
        _guest.Dispose();
        await Api.DisposeAsync();
        await Model.DisposeAsync();
    }

    private static string Normalize(string stream)
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        var normalized = Ids().Replace(
            stream, match => known.TryGetValue(match.Value, out var name) ? name : known[match.Value] = $"id-{known.Count + 1}");
        return Times().Replace(Durations().Replace(normalized, "${name}0"), "TIME").Replace(": ping\n\n", "", StringComparison.Ordinal);
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Ids();

    [GeneratedRegex(
        "(?<name>\"(latencyMs|ttftMs|prompt_tokens|completion_tokens|total_tokens|cost)\":)[\\d.]+", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Durations();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Times();
}
