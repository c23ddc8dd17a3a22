using System.Text.Json;
using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Turns that each ask for one job and wait for its end.</summary>
internal sealed class JobLoad(ToolJobClient client, TimeProvider clock)
{
    private const long Longest = 120_000_000;

    private int asked;

    /// <summary>Asked → answered, µs; jobs that were completed only.</summary>
    public HistogramBase Answered { get; } = new LongConcurrentHistogram(1, Longest, 3);

    /// <summary>Asked → refused by a full lane, µs.</summary>
    public HistogramBase Refused { get; } = new LongConcurrentHistogram(1, Longest, 3);

    /// <summary>Neither completed nor refused.</summary>
    public long Failed => failed;

    /// <summary>Product searches that were completed without one of their sources.</summary>
    public long Partial => partial;

    private long failed;

    private long partial;

    /// <summary>A closed loop: so many at once, until so many were asked.</summary>
    public Task RunAsync(int atOnce, int jobs, Func<int, ToolLane> lane, CancellationToken cancellationToken) => Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
    {
        while (Interlocked.Increment(ref asked) is var number && number <= jobs)
        {
            await AskAsync(lane(number), number, $"user:{number % 997}", cancellationToken);
        }
    }));

    /// <summary>An open loop: so many a second, whatever becomes of the ones before, until cancelled; then waits for the last.</summary>
    public async Task RunAsync(double perSecond, ToolLane lane, string principal, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond), clock);
        var turns = new List<Task>();
        while (await NextAsync(timer, cancellationToken))
        {
            turns.RemoveAll(turn => turn.IsCompletedSuccessfully);
            turns.Add(AskAsync(lane, Interlocked.Increment(ref asked), $"{principal}-{asked % 97}", CancellationToken.None));
        }

        await Task.WhenAll(turns);
    }

    public async Task AskAsync(ToolLane lane, int number, string principal, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var outcome = await client.RunAsync(new(lane, Arguments(lane, $"question {number}"), principal), cancellationToken: cancellationToken);
        switch (outcome)
        {
            case ToolJobOutcome.Completed completed:
                LoadFigures.Record(Answered, clock.GetElapsedTime(began).TotalMicroseconds);
                if (lane == QueuedTool.SearchProducts.Lane && JsonSerializer.Deserialize(completed.Result, ToolJson.Default.ProductsResult) is { IsPartial: true })
                {
                    Interlocked.Increment(ref partial);
                }

                break;
            case ToolJobOutcome.Saturated:
                LoadFigures.Record(Refused, clock.GetElapsedTime(began).TotalMicroseconds);
                break;
            default:
                Interlocked.Increment(ref failed);
                break;
        }
    }

    public static string Arguments(ToolLane lane, string query) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new SearchWebArguments(query), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane ? JsonSerializer.Serialize(new SearchProductsArguments(query, 5), ToolJson.Default.SearchProductsArguments)
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
