using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>An HTTP client with a source address of its own that calls the API without a principal, as a guest or as a user.</summary>
internal sealed class Caller : IDisposable
{
    public const string SessionHeader = "x-sendcat-session";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http;
    private readonly ResponseCounter? _responses;

    /// <param name="api">The address of the API.</param>
    /// <param name="source">The source address of all connections.</param>
    /// <param name="responses">The counter of the responses; null: they are not counted.</param>
    public Caller(Uri api, IPAddress source, ResponseCounter? responses = null)
    {
        _responses = responses;
        Address = source;
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = int.MaxValue,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10),
            ConnectCallback = async (context, cancellationToken) => new NetworkStream(
                await SourceAddress.ConnectAsync(source, context.DnsEndPoint.ToIPEndPoint(), cancellationToken), ownsSocket: true),
        })
        { BaseAddress = api, Timeout = Timeout };
    }

    public IPAddress Address { get; }

    public string? Session { get; private set; }

    public string? RefreshToken { get; private set; }

    public string? AccessToken { get; private set; }

    /// <summary>Creates an anonymous session and uses it for all later requests.</summary>
    public async Task<Caller> AsGuestAsync(CancellationToken cancellationToken = default)
    {
        _http.DefaultRequestHeaders.Remove(SessionHeader);
        var response = (await SendAsync(HttpMethod.Post, "/api/auth/anonymous", cancellationToken: cancellationToken)).EnsureSuccess();
        return WithSession((string)response.Json["sessionId"]!);
    }

    public Caller WithSession(string session)
    {
        Session = session;
        _http.DefaultRequestHeaders.Add(SessionHeader, session);
        return this;
    }

    public Caller WithBearer(string token)
    {
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        _http.DefaultRequestHeaders.Remove("x-sendcat-reason");
        _http.DefaultRequestHeaders.Add("x-sendcat-reason", "an attack");
        return this;
    }

    /// <summary>Registers a new account and signs in.</summary>
    public async Task<Caller> AsUserAsync(string email, string password, CancellationToken cancellationToken = default)
    {
        (await SendAsync(HttpMethod.Post, "/api/auth/register", new { email, password }, cancellationToken)).EnsureSuccess();
        return await SignInAsync(email, password, cancellationToken);
    }

    public async Task<Caller> SignInAsync(string email, string password, CancellationToken cancellationToken = default)
    {
        var tokens = (await SendAsync(HttpMethod.Post, "/api/auth/login", new { email, password }, cancellationToken)).EnsureSuccess().Json;
        (AccessToken, RefreshToken) = ((string)tokens["accessToken"]!, (string)tokens["refreshToken"]!);
        return WithBearer(AccessToken);
    }

    public Task<ApiResponse> GetAsync(string path, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Get, path, cancellationToken: cancellationToken);

    public Task<ApiResponse> PostAsync(string path, object? body = null, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, path, body, cancellationToken);

    public async Task<ApiResponse> SendAsync(
        HttpMethod method, string path, object? body = null, CancellationToken cancellationToken = default,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = Content(body) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes.First() : null;
        _responses?.Add($"{method} {path}", (int)response.StatusCode, code, text);
        return new((int)response.StatusCode, code, text, response.Headers, response.Content.Headers);
    }

    /// <summary>Creates a thread.</summary>
    /// <returns>The id of the thread.</returns>
    public async Task<string> NewThreadAsync(CancellationToken cancellationToken = default) =>
        (string)(await PostAsync("/api/threads", new { title = "attack test" }, cancellationToken)).EnsureSuccess().Json["id"]!;

    public async Task AddMessageAsync(string thread, string text, CancellationToken cancellationToken = default) =>
        (await PostAsync($"/api/threads/{thread}/messages", new { content = text }, cancellationToken)).EnsureSuccess();

    /// <summary>Creates a thread with one message and reads the turn to its end.</summary>
    public async Task<TurnResult> RunTurnAsync(string prompt, string query = "", CancellationToken cancellationToken = default)
    {
        var thread = await NewThreadAsync(cancellationToken);
        await AddMessageAsync(thread, prompt, cancellationToken);
        return await ChatAsync(thread, query, cancellationToken: cancellationToken);
    }

    /// <summary>Starts the next turn of the thread and reads it to its end.</summary>
    public async Task<TurnResult> ChatAsync(
        string thread, string query = "", string? modelId = null, bool webSearch = false, CancellationToken cancellationToken = default)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var response = await OpenChatAsync(thread, query, modelId, webSearch, cancellationToken);
        var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes.First() : null;
        if (!response.IsSuccessStatusCode)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            _responses?.Add("POST /api/chat", (int)response.StatusCode, code, text);
            return new()
            {
                Status = (int)response.StatusCode,
                Code = code,
                Problem = text,
                HasRetryAfter = response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1),
            };
        }

        _responses?.Add("POST /api/chat", (int)response.StatusCode, null, "");
        var reader = new EventReader(began);
        await reader.ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken);
        return reader.ToResult((int)response.StatusCode);
    }

    /// <summary>
    /// Starts the next turn of the thread and returns after the response headers. The stream is open until the response is disposed of.
    /// </summary>
    public async Task<HttpResponseMessage> OpenChatAsync(
        string thread, string query = "", string? modelId = null, bool webSearch = false, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query)
        {
            Content = Content(new { threadId = thread, modelId, webSearch }),
        };
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    private static HttpContent? Content(object? body) => body switch
    {
        null => null,
        string json => new StringContent(json, System.Text.Encoding.UTF8, "application/json"),
        _ => JsonContent.Create(body, options: Json),
    };
}

internal static class EndPoints
{
    /// <summary>Parses the host as an IP address, without DNS.</summary>
    public static IPEndPoint ToIPEndPoint(this DnsEndPoint endPoint) => new(IPAddress.Parse(endPoint.Host), endPoint.Port);

    public static IPEndPoint EndPoint(this Uri address) => new(IPAddress.Parse(address.Host), address.Port);
}
