using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Watch;

/// <summary>Probes one address: whether the API responds, and whether it can start chats.</summary>
internal sealed class ApiProbe(HttpClient http, TimeProvider clock)
{
    private const int LargestResponse = 256 * 1024;

    public async Task<ApiObservation> ProbeAsync(Uri address, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var start = clock.GetTimestamp();
        try
        {
            var (health, _) = await GetAsync(new(address, Wire.Health), either.Token);
            var latency = clock.GetElapsedTime(start).TotalMilliseconds;
            var (chat, json) = await GetAsync(new(address, Wire.ChatHealth), either.Token);
            var ok = json?.Flag("ok");
            var problem = health != 200 ? $"/health answers {health}"
                : chat is not (200 or 403) ? $"/api/chat/health answers {chat}"
                : ok == false ? "chats cannot be started" + Because(json)
                : json?.Text("verdict") is "degraded" or "failing" ? $"turns are {json?.Text("verdict")}" + Because(json)
                : null;
            var state = problem is null ? ApiObservation.Up : ApiObservation.Degraded;
            return new(clock.GetUtcNow(), address, state, health, chat, ok, json?.Text("mode"), latency, problem, json);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            var problem = e is OperationCanceledException ? $"no answer within {timeout.TotalSeconds:0.#} s" : "no connection";
            return new(
                clock.GetUtcNow(), address, ApiObservation.Down, null, null, null, null, clock.GetElapsedTime(start).TotalMilliseconds,
                problem, null);
        }
    }

    private static string Because(JsonElement? json) => json?.Text("cause") is { } cause ? $": {cause}" : "";

    private async Task<(int Status, JsonElement? Json)> GetAsync(Uri address, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(address, cancellationToken);
        if (response.Content.Headers.ContentType?.MediaType != "application/json"
            || response.Content.Headers.ContentLength > LargestResponse)
        {
            return ((int)response.StatusCode, null);
        }

        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            return ((int)response.StatusCode, document.RootElement.Clone());
        }
        catch (JsonException)
        {
            return ((int)response.StatusCode, null);
        }
    }
}
