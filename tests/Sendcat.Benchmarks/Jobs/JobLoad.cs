using System.Text.Json;
using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Turns that each request one job and wait for its end.</summary>
internal sealed class JobLoad(ToolJobClient client, TimeProvider clock)
{
    private const long MaxMicroseconds = 120_000_000;

    private int _requested;

    /// <summary>The time from the request to the result (µs). Contains completed jobs only.</summary>
    public HistogramBase Completed { get; } = new LongConcurrentHistogram(1, MaxMicroseconds, 3);

    /// <summary>The time from the request to the refusal by a full lane (µs).</summary>
    public HistogramBase Refused { get; } = new LongConcurrentHistogram(1, MaxMicroseconds, 3);

    /// <summary>The number of jobs that were neither completed nor refused.</summary>
    public long Failed => _failed;

    /// <summary>The number of product searches that were completed without one of their sources.</summary>
    public long Partial => _partial;

    private long _failed;

    private long _partial;

    /// <summary>Runs a closed loop with a fixed number of concurrent turns.</summary>
    public Task RunAsync(int concurrency, int jobs, Func<int, ToolLane> lane, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, concurrency).Select(async _ =>
        {
            while (Interlocked.Increment(ref _requested) is var number && number <= jobs)
            {
                await RunJobAsync(lane(number), number, $"user:{number % 997}", cancellationToken);
            }
        }));

    /// <summary>
    /// Runs an open loop until it is cancelled: starts turns at a constant rate, independent of earlier ones. Then it waits for the running
    /// turns.
    /// </summary>
    public async Task RunAsync(double perSecond, ToolLane lane, string principal, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond), clock);
        var turns = new List<Task>();
        while (await NextAsync(timer, cancellationToken))
        {
            turns.RemoveAll(turn => turn.IsCompletedSuccessfully);
            turns.Add(RunJobAsync(lane, Interlocked.Increment(ref _requested), $"{principal}-{_requested % 97}", CancellationToken.None));
        }

        await Task.WhenAll(turns);
    }

    /// <summary>Requests one job, waits for its end and records the time.</summary>
    public async Task RunJobAsync(ToolLane lane, int number, string principal, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var outcome = await client.RunAsync(
            new(lane, Arguments(lane, $"question {number}"), principal), cancellationToken: cancellationToken);
        switch (outcome)
        {
            case ToolJobOutcome.Completed completed:
                LoadFigures.Record(Completed, clock.GetElapsedTime(began).TotalMicroseconds);
                if (lane == QueuedTool.SearchProducts.Lane
                    && JsonSerializer.Deserialize(completed.Result, ToolJson.Default.ProductsResult) is { IsPartial: true })
                {
                    Interlocked.Increment(ref _partial);
                }

                break;
            case ToolJobOutcome.Saturated:
                LoadFigures.Record(Refused, clock.GetElapsedTime(began).TotalMicroseconds);
                break;
            default:
                Interlocked.Increment(ref _failed);
                break;
        }
    }

    public static string Arguments(ToolLane lane, string query) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new SearchWebArguments(query), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane
            ? JsonSerializer.Serialize(new SearchProductsArguments(query, 5), ToolJson.Default.SearchProductsArguments)
        : JsonSerializer.Serialize(new SearchGlobalArguments(query, 5), ToolJson.Default.SearchGlobalArguments);

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
