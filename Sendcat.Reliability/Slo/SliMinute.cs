namespace Sendcat.Reliability.Slo;

/// <summary>What one replica recorded of one endpoint in one minute.</summary>
/// <param name="Minute">Its start.</param>
public sealed record SliMinute(DateTimeOffset Minute, string Endpoint)
{
    /// <summary>The most reasons of a minute; the requests of further ones count as <see cref="OtherReason"/>.</summary>
    public const int MaxReasons = 40;

    public const string OtherReason = "other";

    private readonly Dictionary<string, long> _reasons = new(StringComparer.Ordinal);

    public SliCounts Counts { get; } = new();

    /// <summary>Why requests were not served, and how many: reasons of refusals and codes of errors.</summary>
    public IReadOnlyDictionary<string, long> Reasons => _reasons;

    public void Add(in SliRequest request)
    {
        Counts.Add(request.Outcome);
        if (request.FirstToken is { } firstToken)
        {
            Counts.AddFirstToken(firstToken);
        }

        if (request.Completion is { } completion)
        {
            Counts.AddCompletion(completion);
        }

        if (request.Reason is { } reason)
        {
            var key = _reasons.Count < MaxReasons || _reasons.ContainsKey(reason) ? reason : OtherReason;
            _reasons[key] = _reasons.GetValueOrDefault(key) + 1;
        }
    }
}

/// <summary>What all replicas recorded of one endpoint in one minute.</summary>
/// <param name="Minute">Its start.</param>
/// <param name="Replicas">How many replicas recorded it.</param>
public sealed record SliPoint(string Endpoint, DateTimeOffset Minute, int Replicas, SliCounts Counts);

/// <summary>A request that ended.</summary>
/// <param name="Reason">Why it was not served, from a small closed set; null otherwise.</param>
/// <param name="FirstToken">Null: there was none.</param>
/// <param name="Completion">The time to the complete answer, or to the acknowledgement of a webhook; null: it was not served.</param>
/// <param name="IsPartial">A tool of the turn was refused or not awaited, because its lane was full.</param>
public readonly record struct SliRequest(
    SliOutcome Outcome, string? Reason = null, TimeSpan? FirstToken = null, TimeSpan? Completion = null, bool IsPartial = false);
