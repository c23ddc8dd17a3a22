using System.Text.Json;

namespace Sendcat.UpstreamEmulator;

/// <summary>A request as it arrived. The <c>Authorization</c> header is left out.</summary>
/// <param name="Protocol"><c>HTTP/1.1</c> or <c>HTTP/2</c>.</param>
/// <param name="Body">Undefined when the body was empty or no JSON.</param>
public sealed record ReceivedRequest(DateTimeOffset At, string Method, string Path, string Protocol, IReadOnlyDictionary<string, string> Headers, JsonElement Body);

/// <summary>A ring of the last requests.</summary>
internal sealed class RequestLog(EmulatorOptions options, TimeProvider clock)
{
    private readonly Queue<ReceivedRequest> requests = new();

    public bool IsOn => options.KeepRequests > 0;

    public void Add(HttpRequest request, JsonElement body)
    {
        if (!IsOn)
        {
            return;
        }

        var headers = request.Headers.Where(h => !h.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase)).ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var received = new ReceivedRequest(clock.GetUtcNow(), request.Method, request.Path, request.Protocol, headers, body.ValueKind == JsonValueKind.Undefined ? body : body.Clone());
        lock (requests)
        {
            requests.Enqueue(received);
            while (requests.Count > options.KeepRequests)
            {
                requests.Dequeue();
            }
        }
    }

    public IReadOnlyList<ReceivedRequest> Snapshot()
    {
        lock (requests)
        {
            return [.. requests];
        }
    }
}
