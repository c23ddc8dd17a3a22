using System.Collections.Concurrent;
using System.Text;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Checks every response: no undeclared 5xx, no timeout, no internal name, no secret.</summary>
internal sealed class ResponseChecker(RunSecrets secrets)
{
    private const int MaxFailures = 20;

    /// <summary>The responses of the HTTP server to unsupported requests: 501 to an unknown encoding, 505 to an unknown version.</summary>
    private static readonly int[] ProtocolErrors = [501, 505];

    private static readonly byte[][] InternalNames =
    [
        .. new[]
        {
            "   at ", ".cs:line ", "Npgsql.", "StackExchange.", "Microsoft.AspNetCore", "Exception:",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    private readonly byte[][] _secretBytes = [.. secrets.All.Select(Encoding.ASCII.GetBytes)];
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly long[] _statuses = new long[600];
    private long _failed;

    public long Failed => Interlocked.Read(ref _failed);

    public IReadOnlyCollection<string> Failures => _failures;

    public IReadOnlyDictionary<int, long> Statuses =>
        _statuses.Select((count, status) => (status, count)).Where(it => it.count > 0).ToDictionary(it => it.status, it => it.count);

    public void Check(FuzzRequest request, RawResponse response)
    {
        Interlocked.Increment(ref _statuses[Math.Clamp(response.Status, 0, 599)]);
        if (FindProblem(request, response) is not { } problem)
        {
            return;
        }

        Interlocked.Increment(ref _failed);
        if (_failures.Count < MaxFailures)
        {
            _failures.Enqueue($"{problem}\n--- request\n{request}\n--- response\n{response}\n");
        }
    }

    private string? FindProblem(FuzzRequest request, RawResponse response)
    {
        if (response.End is ResponseEnd.TimedOut)
        {
            return "no complete response within 5 s";
        }

        if (response.Status >= 500
            && Array.IndexOf(ProtocolErrors, response.Status) < 0
            && !(request.Operation?.Declared.Contains(response.Status) ?? response.Status == 503))
        {
            return $"{response.Status} is not declared by {request.Operation}";
        }

        var bytes = response.Bytes.Span;
        foreach (var name in InternalNames)
        {
            if (bytes.IndexOf(name) >= 0)
            {
                return $"the response contains '{Encoding.ASCII.GetString(name)}'";
            }
        }

        foreach (var secret in _secretBytes)
        {
            if (bytes.IndexOf(secret) >= 0)
            {
                return "the response contains a secret";
            }
        }

        return null;
    }
}
