using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>Client of the operator API, <c>/api/ops</c>.</summary>
internal sealed class OpsClient(HttpClient http, string key)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <exception cref="RefusedException">The service refused the request, or its response is not JSON.</exception>
    /// <exception cref="HttpRequestException">The service does not respond.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(new(HttpMethod.Get, path), cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> PostAsync(string path, object body, CancellationToken cancellationToken) =>
        SendAsync(new(HttpMethod.Post, path) { Content = JsonContent.Create(body, options: Options) }, cancellationToken);

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
                throw new RefusedException(200, "unexpected_answer", "The service answered without JSON. Is this address a Sendcat API?", null);
            }
        }
    }
}
