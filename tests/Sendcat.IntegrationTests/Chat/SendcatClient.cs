using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>A client as a browser is one: a session, threads, messages, streams.</summary>
internal sealed class SendcatClient : IDisposable
{
    private readonly HttpClient http;

    private SendcatClient(Uri address, string sessionId)
    {
        SessionId = sessionId;
        http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Add("x-sendcat-session", sessionId);
    }

    public string SessionId { get; }

    public HttpClient Http => http;

    public static async Task<SendcatClient> GuestAsync(Uri address)
    {
        using var client = new HttpClient { BaseAddress = address };
        using var answer = await client.PostAsync("/api/auth/anonymous", null);
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new SendcatClient(address, body.GetProperty("sessionId").GetString()!);
    }

    /// <summary>The same guest, talking to another replica.</summary>
    public SendcatClient At(Replica replica) => new(replica.Address, SessionId);

    /// <summary>A thread that holds one message of the user.</summary>
    public async Task<string> AskingAsync(string prompt)
    {
        var thread = await NewThreadAsync();
        await SayAsync(thread, prompt);
        return thread;
    }

    public async Task<string> NewThreadAsync()
    {
        using var answer = await http.PostAsJsonAsync("/api/threads", new { sessionId = SessionId, title = "test" });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    public async Task SayAsync(string thread, string text)
    {
        using var answer = await http.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = text, sessionId = SessionId });
        answer.EnsureSuccessStatusCode();
    }

    public Task<ChatStream> ChatAsync(string thread, string? modelId = null, string query = "", bool? webSearch = null) => StreamAsync(new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query)
    {
        Content = JsonContent.Create(new { threadId = thread, sessionId = SessionId, modelId, webSearch }, options: new JsonSerializerOptions(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull }),
    });

    public Task<ChatStream> PostChatAsync(object body, string query = "") => StreamAsync(new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query) { Content = JsonContent.Create(body) });

    /// <summary>A body as it is; chunked ones do not tell their length.</summary>
    public async Task<HttpResponseMessage> PostAsync(string path, string json, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.TransferEncodingChunked = chunked ? true : null;
        return await http.SendAsync(request);
    }

    public Task<ChatStream> ResumeAsync(string thread) => StreamAsync(new HttpRequestMessage(HttpMethod.Get, $"/api/chat/{thread}/stream"));

    public async Task<HttpResponseMessage> AbortAsync(string thread, string messageId, string? streamId = null) =>
        await http.PostAsJsonAsync("/api/chat/abort", new { threadId = thread, messageId, sessionId = SessionId, streamId }, new JsonSerializerOptions(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull });

    public async Task<HttpResponseMessage> AbortLatestAsync(string thread) => await http.PostAsync($"/api/threads/{thread}/abort", null);

    public async Task<IReadOnlyList<JsonElement>> MessagesAsync(string thread)
    {
        var page = await http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}/messages?limit=100");
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    public void Dispose() => http.Dispose();

    private async Task<ChatStream> StreamAsync(HttpRequestMessage request)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new ChatStream(response);
    }
}
