using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Finds the result of a tool: in the cache, or else through a job in the queue, or else, if the job failed, as a stale value in the cache.
/// The worker writes new results to the cache, so they are cached even if the turn has stopped waiting.
/// </summary>
internal sealed class ToolLookup(ToolCache cache, ToolCacheNamespaces namespaces, ToolJobClient jobs)
{
    /// <param name="call">The call of the model, which is notified of its job and the source of its result.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="key">The key of the result in the cache of the tool.</param>
    /// <param name="contract">The format of the result.</param>
    /// <param name="createJob">Creates the job that caches its result in the slot. It is called only on a cache miss.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The turn has ended.</exception>
    public async Task<LookupResult<T>> FindAsync<T>(
        ToolCall call, QueuedTool tool, string key, JsonTypeInfo<T> contract, Func<ToolJobCacheSlot, ToolJobRequest> createJob,
        CancellationToken cancellationToken)
        where T : class
    {
        var found = await FindAsync(tool, key, contract, slot => createJob(slot) with { OnEntered = call.OnJob }, cancellationToken);
        call.OnFound?.Invoke(found.Source);
        return found;
    }

    private async Task<LookupResult<T>> FindAsync<T>(
        QueuedTool tool, string key, JsonTypeInfo<T> contract, Func<ToolJobCacheSlot, ToolJobRequest> createJob,
            CancellationToken cancellationToken)
        where T : class
    {
        var space = namespaces.Of(tool.Cache);
        if (Read(await cache.GetAsync(space, key, cancellationToken), contract) is { } cached)
        {
            return new(cached, LookupSource.Cache);
        }

        var outcome = await jobs.RunAsync(createJob(new(space.Name, key)), cancellationToken: cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (outcome is ToolJobOutcome.Completed completed && Read(completed.Result, contract) is { } fresh)
        {
            return new(fresh, LookupSource.Job);
        }

        var stale = await cache.GetEvenStaleAsync(space, key, cancellationToken);
        return Read(stale?.Value, contract) is { } earlier
            ? new(earlier, LookupSource.StaleCache, outcome)
            : new(null, LookupSource.None, outcome);
    }

    /// <summary>Null if the text is missing or cannot be deserialized.</summary>
    private static T? Read<T>(string? json, JsonTypeInfo<T> contract)
        where T : class
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, contract);
        }
        catch (JsonException)
        {
            // Another build wrote the value in a different format.
            return null;
        }
    }
}

/// <param name="Value">Null: no result was found.</param>
/// <param name="JobOutcome">The outcome of the job, if it returned no usable result; null: there was no job, or it succeeded.</param>
internal sealed record LookupResult<T>(T? Value, LookupSource Source, ToolJobOutcome? JobOutcome = null)
    where T : class
{
    /// <summary>Backpressure of the queue, which is reported to the client; null: there was none.</summary>
    public ToolPressure? Pressure => JobOutcome switch
    {
        ToolJobOutcome.Saturated saturated => Of(saturated.Backpressure),
        ToolJobOutcome.TimedOut late => Of(late.Backpressure),
        ToolJobOutcome.Failed { Backpressure: { } backpressure } => Of(backpressure),
        _ => null,
    };

    private static ToolPressure Of(ToolBackpressure backpressure) =>
        new(backpressure.Reason, Retryable: true, (int)backpressure.RetryAfter.TotalMilliseconds);
}

internal enum LookupSource
{
    Cache,
    Job,

    /// <summary>A cached value past its freshness, used because the job returned no result.</summary>
    StaleCache,
    None,
}
