using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>Client of the operator API, <c>/api/ops</c>.</summary>
internal sealed class OpsClient(HttpClient http, string key)
{
    private const string ReasonHeader = "x-sendcat-reason";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <exception cref="RefusedException">The service refused the request, or its response is not JSON.</exception>
    /// <exception cref="HttpRequestException">The service does not respond.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(new(HttpMethod.Get, path), cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> PostAsync(string path, object? body, string? reason, CancellationToken cancellationToken) =>
        ChangeAsync(HttpMethod.Post, path, body, reason, cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> PutAsync(string path, object body, string? reason, CancellationToken cancellationToken) =>
        ChangeAsync(HttpMethod.Put, path, body, reason, cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> DeleteAsync(string path, string? reason, CancellationToken cancellationToken) =>
        ChangeAsync(HttpMethod.Delete, path, null, reason, cancellationToken);

    private async Task<JsonElement> ChangeAsync(HttpMethod method, string path, object? body, string? reason,
        CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, options: Options) };
        request.Headers.TryAddWithoutValidation(ReasonHeader, reason);
        return await SendAsync(request, cancellationToken);
    }

    private async Task<JsonElement> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var response = await http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw await RefusedException.ReadAsync(response, cancellationToken);
            }

            try
            {
                return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            }
            catch (JsonException)
            {
                throw new RefusedException(
                    200, "unexpected_answer", "The service answered without JSON. Is this address a Sendcat API?", null);
            }
        }
    }
}
