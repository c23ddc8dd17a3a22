using System.Collections.Concurrent;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Upstream;

/// <summary>Answers questions as their fate says, and counts them.</summary>
internal sealed class Executions(LedgerFile ledger, TimeProvider time)
{
    /// <summary>What one attempt of a job asks before it fails: once, and two retries.</summary>
    private const int AskedByAnAttempt = 3;

    /// <summary>One in so many takes its time.</summary>
    private const int SlowOnes = 150;

    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(400);

    private readonly ConcurrentDictionary<string, int> failures = new(StringComparer.Ordinal);
    private long last;
    private int doses;

    /// <param name="answer">Makes a body around the title that names the execution.</param>
    public async Task RunAsync(int worker, string lane, string nonce, HttpContext http, Func<string, string> answer)
    {
        var number = Interlocked.Increment(ref last);
        var (fate, status) = (Question.FateOf(nonce), 200);
        if (fate is Fate.Flaky && failures.AddOrUpdate(nonce, 1, (_, before) => before + 1) <= AskedByAnAttempt)
        {
            status = 503;
        }
        else if (fate is Fate.Refused)
        {
            status = 400;
        }

        ledger.Write("execution", nonce, lane, $"{number}", $"{worker}", $"{status}");
        if (fate is Fate.Poison)
        {
            Console.WriteLine($"poison {Interlocked.Increment(ref doses)} {worker}");
            await Task.Delay(Timeout.InfiniteTimeSpan, time, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        await Task.Delay(number % SlowOnes == 0 ? Slow : TimeSpan.FromMilliseconds(1 + (number % 4)), time, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(status == 200 ? answer(Question.Title(number, nonce)) : "{}", http.RequestAborted);
    }
}
