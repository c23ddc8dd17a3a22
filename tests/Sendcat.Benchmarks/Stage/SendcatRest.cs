using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Benchmarks.Stage;

/// <summary>What a client does before it chats.</summary>
internal sealed class SendcatRest(Uri api) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64, UseProxy = false }) { BaseAddress = api };

    public async Task<string> SessionAsync(CancellationToken cancellationToken) =>
        (await PostAsync<Session>("api/auth/anonymous", new { }, cancellationToken)).SessionId;

    public async Task<string> ThreadAsync(string session, CancellationToken cancellationToken) =>
        (await PostAsync<Made>("api/threads", new { title = "benchmark", sessionId = session }, cancellationToken)).Id;

    public Task MessageAsync(string session, string thread, string content, CancellationToken cancellationToken) =>
        PostAsync<Made>($"api/threads/{thread}/messages", new { content, sessionId = session }, cancellationToken);

    /// <returns>The status.</returns>
    public async Task<int> AbortAsync(object body, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync("api/chat/abort", body, cancellationToken);
        return (int)response.StatusCode;
    }

    public void Dispose() => http.Dispose();

    private async Task<TAnswer> PostAsync<TAnswer>(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(path, body, cancellationToken);
        return response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<TAnswer>(cancellationToken))!
            : throw new HttpRequestException($"POST /{path} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
    }

    private sealed record Session([property: JsonRequired] string SessionId);

    private sealed record Made([property: JsonRequired] string Id);
}
