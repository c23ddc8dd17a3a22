using System.Collections.Concurrent;

namespace Sendcat.Attacks.Callers;

/// <summary>What an attacker was answered.</summary>
internal sealed class AnswerCount
{
    private const int Kept = 5;

    private readonly ConcurrentDictionary<int, int> statuses = new();
    private readonly ConcurrentQueue<string> faults = new();

    public IReadOnlyDictionary<int, int> Statuses => statuses;

    /// <summary>Answers that no refusal explains: 5xx but 503.</summary>
    public IReadOnlyCollection<string> Faults => faults;

    public void Add(string request, int status, string? code, string text)
    {
        statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
        if (status >= 500 && status != 503 && faults.Count < Kept)
        {
            faults.Enqueue($"{request} → {status} {code} {text}");
        }
    }

    public override string ToString() => string.Join(", ", statuses.OrderBy(it => it.Key).Select(it => $"{it.Value} × {it.Key}"));
}
