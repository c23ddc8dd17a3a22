using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// How a turn comes by a result: from the cache, else by a job of the queue, else, when that did not work, from what the cache still has of earlier. The worker keeps new
/// results, so that they are kept even if nobody waits any more.
/// </summary>
internal sealed class ToolLookup(ToolCache cache, ToolJobClient jobs)
{
    /// <param name="missed">Asked for the job when the cache does not have it.</param>
    /// <exception cref="OperationCanceledException">The turn has ended.</exception>
    public async Task<Found<T>> FindAsync<T>((ToolCacheNamespace Space, string Key) slot, JsonTypeInfo<T> contract, Func<ToolJobRequest> missed, CancellationToken cancellationToken)
        where T : class
    {
        if (Read(await cache.GetAsync(slot.Space, slot.Key, cancellationToken), contract) is { } kept)
        {
            return new(kept, LookupSource.Cache);
        }

        var outcome = await jobs.RunAsync(missed(), cancellationToken: cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (outcome is ToolJobOutcome.Completed completed && Read(completed.Result, contract) is { } fresh)
        {
            return new(fresh, LookupSource.Job);
        }

        var stale = await cache.GetEvenStaleAsync(slot.Space, slot.Key, cancellationToken);
        return Read(stale?.Value, contract) is { } earlier ? new(earlier, LookupSource.StaleCache, outcome) : new(null, LookupSource.None, outcome);
    }

    private static T? Read<T>(string? json, JsonTypeInfo<T> contract)
        where T : class
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, contract);
        }
        catch (JsonException)
        {
            // Kept by a build that wrote it otherwise.
            return null;
        }
    }
}

/// <param name="Trouble">What became of the job, if it brought nothing.</param>
internal sealed record Found<T>(T? Value, LookupSource Where, ToolJobOutcome? Trouble = null)
    where T : class
{
    /// <summary>What the reader is told of the queue.</summary>
    public ToolPressure? Pressure => Trouble switch
    {
        ToolJobOutcome.Saturated saturated => Of(saturated.Backpressure),
        ToolJobOutcome.TimedOut late => Of(late.Backpressure),
        ToolJobOutcome.Failed { Backpressure: { } backpressure } => Of(backpressure),
        _ => null,
    };

    private static ToolPressure Of(ToolBackpressure backpressure) => new(backpressure.Reason, Retryable: true, (int)backpressure.RetryAfter.TotalMilliseconds);
}

internal enum LookupSource
{
    Cache,
    Job,

    /// <summary>Out of date, but better than nothing.</summary>
    StaleCache,
    None,
}
