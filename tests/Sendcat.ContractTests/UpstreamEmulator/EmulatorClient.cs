using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Sends requests to a running emulator as a provider client does, over HTTP/1.1 or over cleartext HTTP/2 (h2c).</summary>
internal sealed class EmulatorClient(UpstreamEmulatorHost emulator, bool h2c = false) : IDisposable
{
    private readonly HttpClient _http = new()
    {
        BaseAddress = h2c ? emulator.H2c : emulator.Http1,
        DefaultRequestVersion = h2c ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        DefaultRequestHeaders = { { "Authorization", "Bearer any" } },
    };

    public HttpClient Http => _http;

    public Task<HttpResponseMessage> SendAsync(object body, CancellationToken cancellationToken = default) => _http.SendAsync(
        new(HttpMethod.Post, "openrouter/api/v1/chat/completions")
        {
            Content = JsonContent.Create(body), Version = _http.DefaultRequestVersion, VersionPolicy = _http.DefaultVersionPolicy,
        },
        HttpCompletionOption.ResponseHeadersRead,
        cancellationToken);

    public Task<HttpResponseMessage> SendAsync(string prompt, string model = "test/model", CancellationToken cancellationToken = default) =>
        SendAsync(Body(prompt, model), cancellationToken);

    /// <summary>Sends the prompt and reads the event stream to its end.</summary>
    public async Task<EmulatorStream> StreamAsync(string prompt, string model = "test/model") =>
        await ReadAsync(await SendAsync(prompt, model));

    public async Task<EmulatorStream> StreamAsync(object body) => await ReadAsync(await SendAsync(body));

    public static object Body(string prompt, string model = "test/model") =>
        new { model, stream = true, messages = new[] { new { role = "user", content = prompt } } };

    public static object Tool(string name) => new { type = "function", function = new { name, parameters = new { type = "object" } } };

    public void Dispose() => _http.Dispose();

    private static async Task<EmulatorStream> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
            var events = new List<string>();
            await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync())
            {
                events.Add(item.Data);
            }

            return new(events);
        }
    }
}

/// <summary>The data events of one stream.</summary>
internal sealed record EmulatorStream(IReadOnlyList<string> Events)
{
    public bool Done => Events.Count > 0 && Events[^1] == "[DONE]";

    public IReadOnlyList<JsonElement> Chunks => [.. Events.Where(e => e.EndsWith('}')).Select(e => JsonDocument.Parse(e).RootElement)];

    public IEnumerable<JsonElement> Choices => Chunks.SelectMany(c => c.GetProperty("choices").EnumerateArray());

    public IEnumerable<JsonElement> Deltas => Choices.Select(c => c.GetProperty("delta"));

    public string Text => string.Concat(Deltas.Select(d => d.TryGetProperty("content", out var content) ? content.GetString() : null));

    public string Reasoning => string.Concat(Deltas.Select(d => d.TryGetProperty("reasoning", out var text) ? text.GetString() : null));

    public IReadOnlyList<string> FinishReasons => [.. Choices.Select(c => c.GetProperty("finish_reason").GetString()).OfType<string>()];

    public IReadOnlyList<JsonElement> ToolFragments =>
        [.. Deltas.Where(d => d.TryGetProperty("tool_calls", out _)).SelectMany(d => d.GetProperty("tool_calls").EnumerateArray())];

    public JsonElement? Error =>
        Chunks.Where(c => c.TryGetProperty("error", out _)).Select(c => (JsonElement?)c.GetProperty("error")).SingleOrDefault();

    public JsonElement? Usage =>
        Chunks.Where(c => c.TryGetProperty("usage", out _)).Select(c => (JsonElement?)c.GetProperty("usage")).SingleOrDefault();

    /// <summary>The concatenated arguments of the tool-call fragments with this index.</summary>
    public string Arguments(int index) => string.Concat(
        ToolFragments.Where(f => f.GetProperty("index").GetInt32() == index)
            .Select(f => f.GetProperty("function").GetProperty("arguments").GetString()));
}
