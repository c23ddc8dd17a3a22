using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Sendcat.EndToEndTests;

/// <summary>An anonymous visitor, over HTTP as a browser would come.</summary>
internal sealed class Guest(HttpClient http) : IDisposable
{
    public static async Task<Guest> ArriveAsync(HttpClient http)
    {
        var session = await PostAsync(http, "/api/auth/anonymous", new { });
        http.DefaultRequestHeaders.Add("x-sendcat-session", session.GetProperty("sessionId").GetString());
        return new(http);
    }

    /// <returns>The id of a new thread with this question.</returns>
    public async Task<string> AskAsync(string question)
    {
        var thread = (await PostAsync(http, "/api/threads", new { title = "A question" })).GetProperty("id").GetString()!;
        await PostAsync(http, $"/api/threads/{thread}/messages", new { content = question });
        return thread;
    }

    /// <summary>The events of the turn that answers the thread's last message.</summary>
    public async IAsyncEnumerable<JsonElement> AnswerAsync(string thread, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat");
        request.Content = JsonContent.Create(new { threadId = thread, webSearch = true });
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.True(response.IsSuccessStatusCode, response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync(cancellationToken));
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellationToken)).EnumerateAsync(cancellationToken))
        {
            yield return JsonSerializer.Deserialize<JsonElement>(item.Data);
        }
    }

    /// <summary>The thread and its messages as the API gives them.</summary>
    public async Task<string> ReadAsync(string thread) => $"{await http.GetStringAsync($"/api/threads/{thread}")}\n{await http.GetStringAsync($"/api/threads/{thread}/messages")}";

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
