using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.KillRig.Ledger;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.KillRig.Submitting;

/// <summary>
/// Starts turns at a constant rate, independent of how fast they end, with at most 400 at a time. Each turn submits one job and writes its outcome to
/// the ledger.
/// </summary>
internal sealed class AskingTurns(ToolJobClient client, ToolCacheNamespaces namespaces, LedgerFile ledger, AskingPlan plan, TimeProvider time) : BackgroundService
{
    private const int MaxConcurrentTurns = 400;
    private const int Principals = 40;
    private const int SharedQueries = 12;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly HashSet<Task> turns = [];
    private int asked;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var (last, due) = (time.GetTimestamp(), 0.0);
        var poison = new Queue<long>(plan.PoisonAt.Where(at => at >= time.GetUtcNow().ToUnixTimeMilliseconds()));
        while (await NextAsync(timer, stoppingToken))
        {
            // After a pause of the process, at most 0.2 s of missed turns are started.
            var now = time.GetTimestamp();
            due += Math.Min(time.GetElapsedTime(last, now).TotalSeconds, 0.2) * plan.PerSecond;
            last = now;
            turns.RemoveWhere(turn => turn.IsCompleted);
            for (; due >= 1; due--)
            {
                if (turns.Count < MaxConcurrentTurns)
                {
                    turns.Add(AskAsync(Draw()));
                }
            }

            if (poison.TryPeek(out var at) && at <= time.GetUtcNow().ToUnixTimeMilliseconds())
            {
                poison.Dequeue();
                turns.Add(AskAsync(Fate.Poison));
            }
        }

        await Task.WhenAll(turns);
    }

    private async Task AskAsync(Fate fate)
    {
        await Task.Yield();
        var nonce = Question.Nonce(plan.Index, Environment.ProcessId, Interlocked.Increment(ref asked), fate);
        var lane = Lane(fate);
        using var abort = new CancellationTokenSource();
        if (fate is Fate.GivenUp)
        {
            abort.CancelAfter(TimeSpan.FromMilliseconds(Random.Shared.Next(60)));
        }

        ledger.Write("asked", nonce, lane.Tool);
        EntryWitness.Ask(nonce);
        var outcome = await client.RunAsync(new(lane, Arguments(lane, nonce), $"user:{Random.Shared.Next(Principals)}", Slot(lane, fate, nonce)), cancellationToken: abort.Token);
        var (what, about) = outcome switch
        {
            ToolJobOutcome.Completed completed => ("completed", Question.ExecutionIn(completed.Result)),
            ToolJobOutcome.Failed { Backpressure.Reason: "dead_letter" } dead => ("dead_letter", dead.Error),
            ToolJobOutcome.Failed { Backpressure: null } failed => ("failed", failed.Error),
            ToolJobOutcome.Failed failed => ("unreachable", failed.Error),
            ToolJobOutcome.TimedOut => ("timed_out", ""),
            ToolJobOutcome.Saturated => ("saturated", ""),
            _ => ("cancelled", ""),
        };
        ledger.Write("answered", nonce, what, about);
    }

    private static Fate Draw() => Random.Shared.Next(200) switch { < 1 => Fate.Flaky, < 3 => Fate.Refused, < 7 => Fate.GivenUp, _ => Fate.Normal };

    /// <summary>The lane of a job. All flaky jobs are in one lane, so that only the circuit of this lane needs a high threshold.</summary>
    private static ToolLane Lane(Fate fate) => fate is Fate.Flaky ? QueuedTool.SearchGlobal.Lane
        : Random.Shared.Next(10) switch { < 7 => QueuedTool.SearchWeb.Lane, < 9 => QueuedTool.SearchProducts.Lane, _ => QueuedTool.SearchGlobal.Lane };

    private static string Arguments(ToolLane lane, string nonce) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new SearchWebArguments(nonce), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane ? JsonSerializer.Serialize(new SearchProductsArguments(nonce, 5, IncludeGlobal: false), ToolJson.Default.SearchProductsArguments)
        : JsonSerializer.Serialize(new SearchGlobalArguments(nonce, 5), ToolJson.Default.SearchGlobalArguments);

    /// <summary>The cache key of the result, as in a turn of the API. Some jobs have the same key as others, so that they are joined.</summary>
    private ToolJobCacheSlot Slot(ToolLane lane, Fate fate, string nonce)
    {
        var question = fate is Fate.Normal && Random.Shared.Next(6) == 0 ? $"hot {Random.Shared.Next(SharedQueries)}" : nonce;
        var (tool, key) = lane == QueuedTool.SearchGlobal.Lane
            ? (QueuedTool.SearchGlobal, new SearchGlobalArguments(question, 5).CacheKey)
            : (QueuedTool.SearchWeb, new SearchWebArguments($"{lane.Tool} {question}").CacheKey);
        return new(namespaces.Of(tool.Cache).Name, key);
    }

    private static async ValueTask<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
