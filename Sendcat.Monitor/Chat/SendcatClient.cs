using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Monitor.Chat;

/// <summary>The service refused a request: HTTP status, error code, message for the user, and when to retry.</summary>
internal sealed class RefusedException(int status, string code, string message, TimeSpan? retryAfter) : Exception(message)
{
    public int Status => status;

    public string Code => code;

    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>Reads a response whose status is not 2xx. The message is at most 500 characters long.</summary>
    public static async Task<RefusedException> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var code = response.Headers.TryGetValues(Wire.ErrorCodeHeader, out var codes) ? codes.First() : "http_error";
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return new((int)response.StatusCode, code, TextLimit.Cut(text, 500), response.Headers.RetryAfter?.Delta);
    }
}

/// <summary>The requests that the <c>chat</c> verb sends.</summary>
internal sealed class SendcatClient(HttpClient http)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <exception cref="RefusedException">The service refused the request. Every method of this class throws it.</exception>
    /// <exception cref="HttpRequestException">The service does not respond. Every method of this class throws it.</exception>
    public async Task<string> BeginSessionAsync(CancellationToken cancellationToken) =>
        (await PostAsync(Wire.AnonymousSession, new { }, cancellationToken)).Text("sessionId") ?? throw Unreadable("sessionId");

    public async Task<string> CreateThreadAsync(string sessionId, string title, CancellationToken cancellationToken) =>
        (await PostAsync(Wire.Threads, new { sessionId, title }, cancellationToken)).Text("id") ?? throw Unreadable("id");

    public Task StoreMessageAsync(string threadId, string sessionId, string content, CancellationToken cancellationToken) =>
        PostAsync($"{Wire.Threads}/{threadId}/messages", new { content, sessionId }, cancellationToken);

    /// <summary>Starts a turn. The body of the response is the open stream; disposing of the response closes it.</summary>
    public async Task<HttpResponseMessage> StartTurnAsync(object body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Wire.Chat) { Content = JsonContent.Create(body, options: Options) };
        request.Headers.Accept.Add(new("text/event-stream"));
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return response;
    }

    public async Task AbortAsync(string threadId, string messageId, string? streamId, string sessionId, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(
            Wire.ChatAbort, new { threadId, messageId, streamId, sessionId }, Options, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
    }

    private async Task<JsonElement> PostAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(path, body, Options, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        try
        {
            return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        }
        catch (JsonException)
        {
            throw Unreadable("JSON");
        }
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        using (response)
        {
            throw await RefusedException.ReadAsync(response, cancellationToken);
        }
    }

    private static RefusedException Unreadable(string what) =>
        new(200, "unexpected_answer", $"The service answered without {what}. Is this address a Sendcat API?", null);
}
