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
/// Starts turns at a constant rate, independent of how fast they end, with at most 400 at a time. Each turn submits one job and writes its
/// outcome to the ledger.
/// </summary>
internal sealed class TurnSubmitter(
    ToolJobClient client, ToolCacheNamespaces namespaces, LedgerFile ledger, SubmitterLoad load, TimeProvider time) : BackgroundService
{
    private const int MaxConcurrentTurns = 400;
    private const int Principals = 40;
    private const int SharedQueries = 12;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly HashSet<Task> _turns = [];
    private int _submitted;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var (last, due) = (time.GetTimestamp(), 0.0);
        var poison = new Queue<long>(load.PoisonAt.Where(at => at >= time.GetUtcNow().ToUnixTimeMilliseconds()));
        while (await NextAsync(timer, stoppingToken))
        {
            // After a pause of the process, at most 0.2 s of missed turns are started.
            var now = time.GetTimestamp();
            due += Math.Min(time.GetElapsedTime(last, now).TotalSeconds, 0.2) * load.PerSecond;
            last = now;
            _turns.RemoveWhere(turn => turn.IsCompleted);
            for (; due >= 1; due--)
            {
                if (_turns.Count < MaxConcurrentTurns)
                {
                    _turns.Add(SubmitAsync(DrawIntent()));
                }
            }

            if (poison.TryPeek(out var at) && at <= time.GetUtcNow().ToUnixTimeMilliseconds())
            {
                poison.Dequeue();
                _turns.Add(SubmitAsync(Intent.Poison));
            }
        }

        await Task.WhenAll(_turns);
    }

    private async Task SubmitAsync(Intent intent)
    {
        await Task.Yield();
        var nonce = RigNonce.Create(load.Index, Environment.ProcessId, Interlocked.Increment(ref _submitted), intent);
        var lane = Lane(intent);
        using var abort = new CancellationTokenSource();
        if (intent is Intent.Cancellable)
        {
            abort.CancelAfter(TimeSpan.FromMilliseconds(Random.Shared.Next(60)));
        }

        ledger.Write("asked", nonce, lane.Tool);
        JobIdRecorder.SetNonce(nonce);
        var outcome = await client.RunAsync(
            new(lane, Arguments(lane, nonce), $"user:{Random.Shared.Next(Principals)}", Slot(lane, intent, nonce)),
            cancellationToken: abort.Token);
        var (what, about) = outcome switch
        {
            ToolJobOutcome.Completed completed => ("completed", RigNonce.ExecutionIn(completed.Result)),
            ToolJobOutcome.Failed { Backpressure.Reason: "dead_letter" } dead => ("dead_letter", dead.Error),
            ToolJobOutcome.Failed { Backpressure: null } failed => ("failed", failed.Error),
            ToolJobOutcome.Failed failed => ("unreachable", failed.Error),
            ToolJobOutcome.TimedOut => ("timed_out", ""),
            ToolJobOutcome.Saturated => ("saturated", ""),
            _ => ("cancelled", ""),
        };
        ledger.Write("answered", nonce, what, about);
    }

    private static Intent DrawIntent() =>
        Random.Shared.Next(200) switch { < 1 => Intent.Flaky, < 3 => Intent.Refused, < 7 => Intent.Cancellable, _ => Intent.Normal };

    /// <summary>The lane of a job. All flaky jobs are in one lane, so that only the circuit of this lane needs a high threshold.</summary>
    private static ToolLane Lane(Intent intent) => intent is Intent.Flaky ? QueuedTool.SearchGlobal.Lane
        : Random.Shared.Next(10) switch
        {
            < 7 => QueuedTool.SearchWeb.Lane,
            < 9 => QueuedTool.SearchProducts.Lane,
            _ => QueuedTool.SearchGlobal.Lane,
        };

    private static string Arguments(ToolLane lane, string nonce) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new SearchWebArguments(nonce), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane
            ? JsonSerializer.Serialize(
                new SearchProductsArguments(nonce, 5, IncludeGlobal: false), ToolJson.Default.SearchProductsArguments)
        : JsonSerializer.Serialize(new SearchGlobalArguments(nonce, 5), ToolJson.Default.SearchGlobalArguments);

    /// <summary>
    /// The cache key of the result, as in a turn of the API. Some jobs have the same key as others, so that they are joined.
    /// </summary>
    private ToolJobCacheSlot Slot(ToolLane lane, Intent intent, string nonce)
    {
        var query = intent is Intent.Normal && Random.Shared.Next(6) == 0 ? $"hot {Random.Shared.Next(SharedQueries)}" : nonce;
        var (tool, key) = lane == QueuedTool.SearchGlobal.Lane
            ? (QueuedTool.SearchGlobal, new SearchGlobalArguments(query, 5).CacheKey)
            : (QueuedTool.SearchWeb, new SearchWebArguments($"{lane.Tool} {query}").CacheKey);
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
