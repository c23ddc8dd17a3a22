using System.Text.Json;
using Microsoft.Extensions.Primitives;

namespace Sendcat.UpstreamEmulator;

/// <summary>A request that the emulator received, without the API keys that it contained.</summary>
/// <param name="At">When the request was received.</param>
/// <param name="Protocol"><c>HTTP/1.1</c> or <c>HTTP/2</c>.</param>
/// <param name="Body">The JSON body. Its kind is <see cref="JsonValueKind.Undefined"/> when the body was empty or not JSON.</param>
/// <param name="Query">The decoded parameters of the query string.</param>
public sealed record ReceivedRequest(
    DateTimeOffset At,
    string Method,
    string Path,
    string Protocol,
    IReadOnlyDictionary<string, string> Headers,
    JsonElement Body,
    IReadOnlyDictionary<string, string> Query);

/// <summary>Stores the last <see cref="EmulatorOptions.KeepRequests"/> requests.</summary>
internal sealed class RequestLog(EmulatorOptions options, TimeProvider clock)
{
    private static readonly string[] Keys = ["Authorization", "X-API-KEY", "api_key"];

    private readonly Queue<ReceivedRequest> _requests = new();

    public bool IsOn => options.KeepRequests > 0;

    public void Add(HttpRequest request, JsonElement body)
    {
        if (!IsOn)
        {
            return;
        }

        var received = new ReceivedRequest(
            clock.GetUtcNow(),
            request.Method,
            request.Path,
            request.Protocol,
            WithoutKeys(request.Headers),
            body.ValueKind == JsonValueKind.Undefined ? body : body.Clone(),
            WithoutKeys(request.Query));
        lock (_requests)
        {
            _requests.Enqueue(received);
            while (_requests.Count > options.KeepRequests)
            {
                _requests.Dequeue();
            }
        }
    }

    public IReadOnlyList<ReceivedRequest> Snapshot()
    {
        lock (_requests)
        {
            return [.. _requests];
        }
    }

    private static Dictionary<string, string> WithoutKeys(IEnumerable<KeyValuePair<string, StringValues>> fields) => fields
        .Where(field => !Keys.Contains(field.Key, StringComparer.OrdinalIgnoreCase))
        .ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.OrdinalIgnoreCase);
}
