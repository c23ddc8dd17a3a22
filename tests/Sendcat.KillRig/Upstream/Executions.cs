using System.Collections.Concurrent;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Upstream;

/// <summary>Responds to search requests as their <see cref="Intent"/> requires, and numbers them.</summary>
internal sealed class Executions(LedgerFile ledger, TimeProvider time)
{
    /// <summary>The requests of one attempt of a job before it fails: one request and two retries.</summary>
    private const int RequestsPerAttempt = 3;

    /// <summary>One of this number of requests takes 400 ms.</summary>
    private const int SlowEvery = 150;

    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(400);

    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private long _executions;
    private int _poisonRequests;

    /// <param name="worker">The index of the worker that sent the request.</param>
    /// <param name="start">The number of the start of that worker.</param>
    /// <param name="lane">The tool of the job.</param>
    /// <param name="nonce">The nonce of the request.</param>
    /// <param name="http">The HTTP request.</param>
    /// <param name="createBody">Creates a response body with the title that identifies the execution.</param>
    public async Task RunAsync(int worker, int start, string lane, string nonce, HttpContext http, Func<string, string> createBody)
    {
        var number = Interlocked.Increment(ref _executions);
        var (intent, status) = (RigNonce.IntentOf(nonce), 200);
        if (intent is Intent.Flaky && _failures.AddOrUpdate(nonce, 1, (_, before) => before + 1) <= RequestsPerAttempt)
        {
            status = 503;
        }
        else if (intent is Intent.Refused)
        {
            status = 400;
        }

        ledger.Write("execution", nonce, lane, $"{number}", $"{worker}", $"{status}");
        if (intent is Intent.Poison)
        {
            Console.WriteLine($"poison {Interlocked.Increment(ref _poisonRequests)} {worker} {start}");
            await Task.Delay(Timeout.InfiniteTimeSpan, time, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        var delay = number % SlowEvery == 0 ? Slow : TimeSpan.FromMilliseconds(1 + (number % 4));
        await Task.Delay(delay, time, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(status == 200 ? createBody(RigNonce.Title(number, nonce)) : "{}", http.RequestAborted);
    }
}
