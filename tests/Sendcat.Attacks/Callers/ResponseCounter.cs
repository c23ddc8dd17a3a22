using System.Collections.Concurrent;

namespace Sendcat.Attacks.Callers;

/// <summary>Counts the responses to an attacker by status.</summary>
internal sealed class ResponseCounter
{
    private const int MaxSamples = 5;

    private readonly ConcurrentDictionary<int, int> _statuses = new();
    private readonly ConcurrentQueue<string> _serverErrors = new();

    public IReadOnlyDictionary<int, int> Statuses => _statuses;

    /// <summary>The first five responses with a status of 5xx other than 503, which is a refusal.</summary>
    public IReadOnlyCollection<string> ServerErrors => _serverErrors;

    public void Add(string request, int status, string? code, string text)
    {
        _statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
        if (status >= 500 && status != 503 && _serverErrors.Count < MaxSamples)
        {
            _serverErrors.Enqueue($"{request} → {status} {code} {text}");
        }
    }

    public override string ToString() => string.Join(", ", _statuses.OrderBy(it => it.Key).Select(it => $"{it.Value} × {it.Key}"));
}
