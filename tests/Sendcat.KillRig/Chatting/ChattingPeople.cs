using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Chatting;

/// <summary>
/// People who chat with the API while it is killed: each asks, reads the answer to its end or to where it breaks off, and asks again, of whichever replica is there. Every turn calls a
/// tool, so that its question goes the whole way: API, queue, worker, upstream and back.
/// </summary>
internal sealed class ChattingPeople(IReadOnlyList<Uri> replicas, int people, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Stands for the submitter in the nonces of their questions; no submitter has it.</summary>
    private const int Index = 99;

    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource enough = new();
    private readonly ConcurrentDictionary<string, int> ends = new(StringComparer.Ordinal);
    private Task all = Task.CompletedTask;
    private int asked;

    /// <summary>Turns by how they ended for their reader: <c>done</c>, <c>error</c>, <c>cut off</c>, <c>refused</c>, <c>unreachable</c>.</summary>
    public IReadOnlyDictionary<string, int> Ends => ends;

    public void Begin() => all = Task.WhenAll(Enumerable.Range(0, people).Select(person => ChatAsync(person, enough.Token)));

    /// <summary>Nobody asks any more; turns that run are read to their end.</summary>
    public async Task EndAsync()
    {
        await enough.CancelAsync();
        await all;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        enough.Dispose();
    }

    private async Task ChatAsync(int person, CancellationToken stopping)
    {
        await Task.Yield();
        for (var turn = person; !stopping.IsCancellationRequested; turn++)
        {
            using var http = new HttpClient { BaseAddress = replicas[turn % replicas.Count], Timeout = TurnPatience };
            ends.AddOrUpdate(await AskAsync(http), 1, static (_, before) => before + 1);
            await Task.Delay(Breath, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> AskAsync(HttpClient http)
    {
        try
        {
            var session = await MadeAsync(http, "api/auth/anonymous", new { }, "sessionId");
            http.DefaultRequestHeaders.Add("x-sendcat-session", session);
            var thread = await MadeAsync(http, "api/threads", new { title = "rig" }, "id");
            // A turn whose process ends gives its job up, so that either end of it is right.
            var nonce = Question.Nonce(Index, Environment.ProcessId, Interlocked.Increment(ref asked), Fate.GivenUp);
            var question = $$"""[[emu call=1 tool=search_web args={"query":"{{nonce}}"}]] [[emu call=2 chunks=10 every=50ms]]""";
            await MadeAsync(http, $"api/threads/{thread}/messages", new { content = question }, "id");
            return await ReadAsync(http, thread);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or JsonException)
        {
            return "unreachable";
        }
    }

    private static async Task<string> ReadAsync(HttpClient http, string thread)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/chat") { Content = JsonContent.Create(new { threadId = thread, webSearch = true }) };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            return "refused";
        }

        try
        {
            using var patience = new CancellationTokenSource(TurnPatience);
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(patience.Token));
            while (await lines.ReadLineAsync(patience.Token) is { } line)
            {
                if (line.StartsWith("data: {", StringComparison.Ordinal) && Type(line[6..]) is { } end and ("done" or "error"))
                {
                    return end;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException)
        {
            // Its replica was killed, or stood still for too long.
        }

        return "cut off";
    }

    private static string? Type(string json)
    {
        using var told = JsonDocument.Parse(json);
        return told.RootElement.GetProperty("type").GetString();
    }

    private static async Task<string> MadeAsync(HttpClient http, string path, object body, string name)
    {
        using var response = await http.PostAsJsonAsync(path, body);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty(name).GetString()!;
    }
}
