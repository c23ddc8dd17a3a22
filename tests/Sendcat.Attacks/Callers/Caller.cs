using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>Somebody at an address who calls the API over HTTP, as nobody, as a guest or as a user.</summary>
internal sealed class Caller : IDisposable
{
    public const string SessionHeader = "x-sendcat-session";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient http;
    private readonly AnswerCount? answers;

    /// <param name="answers">Where the answers are counted; null: nowhere.</param>
    public Caller(Uri api, IPAddress source, AnswerCount? answers = null)
    {
        this.answers = answers;
        Address = source;
        http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = int.MaxValue,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10),
            ConnectCallback = async (context, cancellationToken) => new NetworkStream(await Source.ConnectAsync(source, context.DnsEndPoint.Resolved(), cancellationToken), ownsSocket: true),
        })
        { BaseAddress = api, Timeout = Timeout };
    }

    public IPAddress Address { get; }

    public string? Session { get; private set; }

    public string? RefreshToken { get; private set; }

    public string? AccessToken { get; private set; }

    /// <summary>Becomes a guest with a session that the API has signed.</summary>
    public async Task<Caller> AsGuestAsync(CancellationToken cancellationToken = default)
    {
        http.DefaultRequestHeaders.Remove(SessionHeader);
        var answer = (await SendAsync(HttpMethod.Post, "/api/auth/anonymous", cancellationToken: cancellationToken)).Expected();
        return WithSession((string)answer.Json["sessionId"]!);
    }

    public Caller WithSession(string session)
    {
        Session = session;
        http.DefaultRequestHeaders.Add(SessionHeader, session);
        return this;
    }

    public Caller WithBearer(string token)
    {
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return this;
    }

    /// <summary>Registers and signs in.</summary>
    public async Task<Caller> AsUserAsync(string email, string password, CancellationToken cancellationToken = default)
    {
        (await SendAsync(HttpMethod.Post, "/api/auth/register", new { email, password }, cancellationToken)).Expected();
        return await SignInAsync(email, password, cancellationToken);
    }

    public async Task<Caller> SignInAsync(string email, string password, CancellationToken cancellationToken = default)
    {
        var tokens = (await SendAsync(HttpMethod.Post, "/api/auth/login", new { email, password }, cancellationToken)).Expected().Json;
        (AccessToken, RefreshToken) = ((string)tokens["accessToken"]!, (string)tokens["refreshToken"]!);
        return WithBearer(AccessToken);
    }

    public Task<Answer> GetAsync(string path, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Get, path, cancellationToken: cancellationToken);

    public Task<Answer> PostAsync(string path, object? body = null, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Post, path, body, cancellationToken);

    public async Task<Answer> SendAsync(HttpMethod method, string path, object? body = null, CancellationToken cancellationToken = default, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = Content(body) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes.First() : null;
        answers?.Add($"{method} {path}", (int)response.StatusCode, code, text);
        return new((int)response.StatusCode, code, text, response.Headers, response.Content.Headers);
    }

    /// <summary>The id of a new thread.</summary>
    public async Task<string> NewThreadAsync(CancellationToken cancellationToken = default) =>
        (string)(await PostAsync("/api/threads", new { title = "attack test" }, cancellationToken)).Expected().Json["id"]!;

    public async Task SayAsync(string thread, string text, CancellationToken cancellationToken = default) =>
        (await PostAsync($"/api/threads/{thread}/messages", new { content = text }, cancellationToken)).Expected();

    /// <summary>A new thread, one message, and the answer to it.</summary>
    public async Task<Turn> AskAsync(string prompt, string query = "", CancellationToken cancellationToken = default)
    {
        var thread = await NewThreadAsync(cancellationToken);
        await SayAsync(thread, prompt, cancellationToken);
        return await ChatAsync(thread, query, cancellationToken: cancellationToken);
    }

    /// <summary>Reads the answer of the thread's next turn to its end.</summary>
    public async Task<Turn> ChatAsync(string thread, string query = "", string? modelId = null, bool webSearch = false, CancellationToken cancellationToken = default)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var response = await OpenChatAsync(thread, query, modelId, webSearch, cancellationToken);
        var code = response.Headers.TryGetValues("x-sendcat-error-code", out var codes) ? codes.First() : null;
        if (!response.IsSuccessStatusCode)
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            answers?.Add("POST /api/chat", (int)response.StatusCode, code, text);
            return new() { Status = (int)response.StatusCode, Code = code, Complaint = text, SaysWhen = response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1) };
        }

        answers?.Add("POST /api/chat", (int)response.StatusCode, null, "");
        var reader = new EventReader(began);
        await reader.ReadAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken);
        return reader.Turn((int)response.StatusCode);
    }

    /// <summary>The response as its headers came; its stream stays open until it is disposed of.</summary>
    public async Task<HttpResponseMessage> OpenChatAsync(string thread, string query = "", string? modelId = null, bool webSearch = false, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat" + query) { Content = Content(new { threadId = thread, modelId, webSearch }) };
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public void Dispose() => http.Dispose();

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    private static HttpContent? Content(object? body) => body switch
    {
        null => null,
        string json => new StringContent(json, System.Text.Encoding.UTF8, "application/json"),
        _ => JsonContent.Create(body, options: Json),
    };
}

internal static class EndPoints
{
    /// <summary>Without a name server: the API is at an address.</summary>
    public static IPEndPoint Resolved(this DnsEndPoint endPoint) => new(IPAddress.Parse(endPoint.Host), endPoint.Port);

    public static IPEndPoint EndPoint(this Uri address) => new(IPAddress.Parse(address.Host), address.Port);
}
