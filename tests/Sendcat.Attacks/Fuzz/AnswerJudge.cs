using System.Collections.Concurrent;
using System.Text;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Judges every answer: no fault that was not declared, nothing that hangs, nothing of our insides, no secret.</summary>
internal sealed class AnswerJudge(RunSecrets secrets)
{
    private const int Kept = 20;

    /// <summary>What HTTP itself says to a request that is not to be understood: 501 to an unknown encoding, 505 to an unknown version.</summary>
    private static readonly int[] Protocol = [501, 505];

    private static readonly byte[][] Insides = [.. new[] { "   at ", ".cs:line ", "Npgsql.", "StackExchange.", "Microsoft.AspNetCore", "Exception:" }.Select(Encoding.ASCII.GetBytes)];

    private readonly byte[][] secret = [.. secrets.All.Select(Encoding.ASCII.GetBytes)];
    private readonly ConcurrentQueue<string> failures = new();
    private readonly long[] statuses = new long[600];
    private long failed;

    public long Failed => Interlocked.Read(ref failed);

    public IReadOnlyCollection<string> Failures => failures;

    public IReadOnlyDictionary<int, long> Statuses => statuses.Select((count, status) => (status, count)).Where(it => it.count > 0).ToDictionary(it => it.status, it => it.count);

    public void Judge(FuzzRequest request, RawAnswer answer)
    {
        Interlocked.Increment(ref statuses[Math.Clamp(answer.Status, 0, 599)]);
        if (Complaint(request, answer) is not { } complaint)
        {
            return;
        }

        Interlocked.Increment(ref failed);
        if (failures.Count < Kept)
        {
            failures.Enqueue($"{complaint}\n--- request\n{request}\n--- answer\n{answer}\n");
        }
    }

    private string? Complaint(FuzzRequest request, RawAnswer answer)
    {
        if (answer.End is AnswerEnd.Hung)
        {
            return "no answer within 5 s";
        }

        if (answer.Status >= 500 && Array.IndexOf(Protocol, answer.Status) < 0 && !(request.Operation?.Declared.Contains(answer.Status) ?? answer.Status == 503))
        {
            return $"{answer.Status} is not declared by {request.Operation}";
        }

        var bytes = answer.Bytes.Span;
        foreach (var inside in Insides)
        {
            if (bytes.IndexOf(inside) >= 0)
            {
                return $"the answer says '{Encoding.ASCII.GetString(inside)}'";
            }
        }

        foreach (var one in secret)
        {
            if (bytes.IndexOf(one) >= 0)
            {
                return "the answer holds a secret";
            }
        }

        return null;
    }
}
