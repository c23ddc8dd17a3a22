using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>An HTTP client that does what a browser does: it has a session, creates threads and messages, and reads streams.</summary>
internal sealed class SendcatClient : IDisposable
{
    private const int MaxResumes = 4;

    private static readonly JsonSerializerOptions WithoutNulls =
        new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly HttpClient _http;

    private SendcatClient(Uri address, string sessionId)
    {
        SessionId = sessionId;
        // A client that leaves a stream closes the connection at once, as a browser does. By default the handler would first read on for 2
        // s.
        _http = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero, MaxResponseDrainSize = 0 })
        {
            BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.Add("x-sendcat-session", sessionId);
    }

    public string SessionId { get; }

    public HttpClient Http => _http;

    /// <summary>A client with a new anonymous session.</summary>
    public static async Task<SendcatClient> GuestAsync(Uri address)
    {
        using var client = new HttpClient { BaseAddress = address };
        using var response = await client.PostAsync("/api/auth/anonymous", null);
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return new SendcatClient(address, body.GetProperty("sessionId").GetString()!);
    }

    /// <summary>The same guest as a client of another replica.</summary>
    public SendcatClient At(Replica replica) => new(replica.Address, SessionId);

    /// <summary>Creates a thread with one user message.</summary>
    /// <returns>The id of the thread.</returns>
    public async Task<string> NewThreadAsync(string prompt)
    {
        var thread = await NewThreadAsync();
        await AddMessageAsync(thread, prompt);
        return thread;
    }

    /// <summary>Creates a thread without messages.</summary>
    /// <returns>The id of the thread.</returns>
    public async Task<string> NewThreadAsync()
    {
        using var response = await _http.PostAsJsonAsync("/api/threads", new { sessionId = SessionId, title = "test" });
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    /// <summary>Adds a user message to the thread.</summary>
    public async Task AddMessageAsync(string thread, string text)
    {
        using var response = await _http.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = text, sessionId = SessionId });
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Starts a turn in the Sendcat dialect. Null values are left out of the body.</summary>
    /// <param name="query">A query string with its question mark, or nothing.</param>
    /// <param name="maxWait">How long all reads of the stream may take; null: the default of <see cref="ChatStream"/>.</param>
    public Task<ChatStream> ChatAsync(
        string thread, string? modelId = null, string query = "", bool? webSearch = null, TimeSpan? maxWait = null) =>
        StreamAsync(new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query)
        {
            Content = JsonContent.Create(new { threadId = thread, sessionId = SessionId, modelId, webSearch }, options: WithoutNulls),
        }, maxWait);

    /// <summary>Starts a turn with any body, for example one of <see cref="UseChat"/>.</summary>
    public Task<ChatStream> PostChatAsync(object body, string query = "") =>
        StreamAsync(new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query) { Content = JsonContent.Create(body) });

    /// <summary>Sends the text as a JSON body without checking it.</summary>
    /// <param name="chunked">True: chunked transfer encoding, without a <c>Content-Length</c>.</param>
    public async Task<HttpResponseMessage> PostAsync(string path, string json, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.TransferEncodingChunked = chunked ? true : null;
        return await _http.SendAsync(request);
    }

    /// <summary>
    /// Reads the running turn of the thread from its start. A request that is refused because Redis does not respond within a second, as on
    /// a busy host, is repeated after its <c>Retry-After</c>, as every client does it.
    /// </summary>
    /// <param name="maxWait">How long all reads of the stream may take; null: the default of <see cref="ChatStream"/>.</param>
    /// <returns>The first other response, or the refusal of the last attempt.</returns>
    public async Task<ChatStream> ResumeAsync(string thread, TimeSpan? maxWait = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            var stream = await ResumeOnceAsync(thread, maxWait);
            if (stream.ErrorReason != "redis_unavailable" || attempt == MaxResumes)
            {
                return stream;
            }

            var wait = stream.Response.Headers.RetryAfter!.Delta!.Value;
            await stream.DisposeAsync();
            await Task.Delay(wait, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>As <see cref="ResumeAsync"/>, without a repetition: for tests of the refusal.</summary>
    public Task<ChatStream> ResumeOnceAsync(string thread, TimeSpan? maxWait = null) =>
        StreamAsync(new HttpRequestMessage(HttpMethod.Get, $"/api/chat/{thread}/stream"), maxWait);

    public async Task<HttpResponseMessage> AbortAsync(string thread, string messageId, string? streamId = null) =>
        await _http.PostAsJsonAsync("/api/chat/abort", new { threadId = thread, messageId, sessionId = SessionId, streamId }, WithoutNulls);

    /// <summary>Aborts the running turn of the thread, which the client need not know.</summary>
    public async Task<HttpResponseMessage> AbortLatestAsync(string thread) => await _http.PostAsync($"/api/threads/{thread}/abort", null);

    /// <summary>The first 100 messages of the thread, oldest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> MessagesAsync(string thread)
    {
        var page = await _http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}/messages?limit=100");
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    public void Dispose() => _http.Dispose();

    private async Task<ChatStream> StreamAsync(HttpRequestMessage request, TimeSpan? maxWait = null)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new ChatStream(response, maxWait);
    }
}
