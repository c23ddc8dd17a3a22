using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Sendcat.EndToEndTests;

/// <summary>An anonymous session that uses the HTTP API as a browser does.</summary>
internal sealed class Guest(HttpClient http) : IDisposable
{
    public static async Task<Guest> CreateAsync(HttpClient http)
    {
        var session = await PostAsync(http, "/api/auth/anonymous", new { });
        http.DefaultRequestHeaders.Add("x-sendcat-session", session.GetProperty("sessionId").GetString());
        return new(http);
    }

    /// <summary>Creates a thread with one user message.</summary>
    /// <returns>The id of the thread.</returns>
    public async Task<string> NewThreadAsync(string message)
    {
        var thread = (await PostAsync(http, "/api/threads", new { title = "A question" })).GetProperty("id").GetString()!;
        await PostAsync(http, $"/api/threads/{thread}/messages", new { content = message });
        return thread;
    }

    /// <summary>Starts a turn for the last message of the thread and returns its events.</summary>
    public async IAsyncEnumerable<JsonElement> RunTurnAsync(
        string thread, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat");
        request.Content = JsonContent.Create(new { threadId = thread, webSearch = true });
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.True(
            response.IsSuccessStatusCode, response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync(cancellationToken));
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellationToken))
            .EnumerateAsync(cancellationToken))
        {
            yield return JsonSerializer.Deserialize<JsonElement>(item.Data);
        }
    }

    /// <summary>The JSON of the thread and of its messages, as the API returns it.</summary>
    public async Task<string> ReadAsync(string thread) =>
        $"{await http.GetStringAsync($"/api/threads/{thread}")}\n{await http.GetStringAsync($"/api/threads/{thread}/messages")}";

    public void Dispose() => http.Dispose();

    private static async Task<JsonElement> PostAsync(HttpClient http, string path, object body)
    {
        using var response = await http.PostAsJsonAsync(path, body);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}

internal static class TurnEvents
{
    public static string Type(this JsonElement turnEvent) => turnEvent.GetProperty("type").GetString()!;
}
