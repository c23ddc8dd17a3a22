using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Chatting;

/// <summary>
/// Simulated users who chat with the API while its replicas are killed. Each user starts a turn, reads its events until the end or until
/// the connection breaks, and starts the next turn on another replica. Every turn calls a tool, so that its request passes through the API,
/// the queue, the worker and the upstream.
/// </summary>
internal sealed class SimulatedUsers(IReadOnlyList<Uri> replicas, int count, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The submitter index in the nonces of these turns. No submitter has this index.</summary>
    private const int Index = 99;

    private static readonly TimeSpan TurnInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan TurnTimeout = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, int> _ends = new(StringComparer.Ordinal);
    private Task _all = Task.CompletedTask;
    private int _turnCount;

    /// <summary>
    /// The number of turns by their end as the reader saw it: <c>done</c>, <c>error</c>, <c>cut off</c>, <c>refused</c>,
    /// <c>unreachable</c>.
    /// </summary>
    public IReadOnlyDictionary<string, int> Ends => _ends;

    public void Start() => _all = Task.WhenAll(Enumerable.Range(0, count).Select(user => ChatAsync(user, _stop.Token)));

    /// <summary>Starts no more turns and reads the running turns to their end.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _all;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task ChatAsync(int user, CancellationToken stopping)
    {
        await Task.Yield();
        for (var turn = user; !stopping.IsCancellationRequested; turn++)
        {
            using var http = new HttpClient { BaseAddress = replicas[turn % replicas.Count], Timeout = TurnTimeout };
            _ends.AddOrUpdate(await RunTurnAsync(http), 1, static (_, before) => before + 1);
            await Task.Delay(TurnInterval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> RunTurnAsync(HttpClient http)
    {
        try
        {
            var session = await CreateAsync(http, "api/auth/anonymous", new { }, "sessionId");
            http.DefaultRequestHeaders.Add("x-sendcat-session", session);
            var thread = await CreateAsync(http, "api/threads", new { title = "rig" }, "id");
            // A turn whose process ends cancels its job, so both a completed and a cancelled job are correct.
            var nonce = RigNonce.Create(Index, Environment.ProcessId, Interlocked.Increment(ref _turnCount), Intent.Cancellable);
            var content = $$"""[[emu call=1 tool=search_web args={"query":"{{nonce}}"}]] [[emu call=2 chunks=10 every=50ms]]""";
            await CreateAsync(http, $"api/threads/{thread}/messages", new { content }, "id");
            return await ReadAsync(http, thread);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or JsonException)
        {
            return "unreachable";
        }
    }

    private static async Task<string> ReadAsync(HttpClient http, string thread)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/chat")
        {
            Content = JsonContent.Create(new { threadId = thread, webSearch = true }),
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            return "refused";
        }

        try
        {
            using var deadline = new CancellationTokenSource(TurnTimeout);
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(deadline.Token));
            while (await lines.ReadLineAsync(deadline.Token) is { } line)
            {
                if (line.StartsWith("data: {", StringComparison.Ordinal)
                    && TypeOf(line[6..]) is { } end and ("done" or "error" or "aborted"))
                {
                    return end;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException)
        {
            // The replica was killed, or it was paused for longer than the timeout.
        }

        return "cut off";
    }

    private static string? TypeOf(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("type").GetString();
    }

    /// <returns>The property <paramref name="name"/> of the response.</returns>
    private static async Task<string> CreateAsync(HttpClient http, string path, object body, string name)
    {
        using var response = await http.PostAsJsonAsync(path, body);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty(name).GetString()!;
    }
}
