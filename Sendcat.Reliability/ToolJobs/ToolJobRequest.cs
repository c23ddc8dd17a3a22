namespace Sendcat.Reliability.ToolJobs;

/// <summary>A tool call to be run on the queue.</summary>
/// <param name="Arguments">JSON, normalised by the caller.</param>
/// <param name="Principal">Whose turn asks; principals of a lane take turns.</param>
/// <param name="Cache">Where the result is kept. Live jobs of one cache slot are one job, whoever asks.</param>
public sealed record ToolJobRequest(ToolLane Lane, string Arguments, string Principal, ToolJobCacheSlot? Cache = null)
{
    /// <summary>Null: as configured.</summary>
    public int? MaxAttempts { get; init; }
}

/// <summary>A place in the tool cache, by names that the cache has normalised.</summary>
public sealed record ToolJobCacheSlot(string Namespace, string Key);
