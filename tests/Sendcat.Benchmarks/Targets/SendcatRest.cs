using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Benchmarks.Targets;

/// <summary>The requests of a client before a turn, and the abort of a turn.</summary>
internal sealed class SendcatRest(Uri api) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64, UseProxy = false })
    {
        BaseAddress = api,
    };

    /// <returns>The id of a new anonymous session.</returns>
    public async Task<string> CreateSessionAsync(CancellationToken cancellationToken) =>
        (await PostAsync<Session>("api/auth/anonymous", new { }, cancellationToken)).SessionId;

    /// <returns>The id of a new thread.</returns>
    public async Task<string> CreateThreadAsync(string session, CancellationToken cancellationToken) =>
        (await PostAsync<Created>("api/threads", new { title = "benchmark", sessionId = session }, cancellationToken)).Id;

    public Task AddMessageAsync(string session, string thread, string content, CancellationToken cancellationToken) =>
        PostAsync<Created>($"api/threads/{thread}/messages", new { content, sessionId = session }, cancellationToken);

    /// <returns>The HTTP status.</returns>
    public async Task<int> AbortAsync(object body, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync("api/chat/abort", body, cancellationToken);
        return (int)response.StatusCode;
    }

    public void Dispose() => _http.Dispose();

    private async Task<TResponse> PostAsync<TResponse>(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync(path, body, cancellationToken);
        return response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<TResponse>(cancellationToken))!
            : throw new HttpRequestException(
                $"POST /{path} returned {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}",
                inner: null,
                response.StatusCode);
    }

    private sealed record Session([property: JsonRequired] string SessionId);

    private sealed record Created([property: JsonRequired] string Id);
}
