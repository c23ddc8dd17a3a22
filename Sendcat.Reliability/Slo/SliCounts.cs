namespace Sendcat.Reliability.Slo;

/// <summary>
/// What happened to the requests of one endpoint in some time: outcomes, and histograms of latencies. Not thread-safe.
/// </summary>
/// <remarks>
/// A webhook's time to its acknowledgement is in <see cref="Completion"/>: for both it is the time from the accepted request to the end of
/// its response.
/// </remarks>
public sealed class SliCounts
{
    private readonly long[] _outcomes = new long[SliOutcomes.All.Count];
    private readonly long[] _firstToken = new long[LatencyBuckets.Length];
    private readonly long[] _completion = new long[LatencyBuckets.Length];

    public long Served => this[SliOutcome.Served];

    public long Failed => this[SliOutcome.Failed];

    public long Shed => this[SliOutcome.Shed];

    /// <summary>Requests that an objective can judge: served, failed and shed. The rest is up to the caller.</summary>
    public long Answered => Served + Failed + Shed;

    /// <summary>Cumulative counts, see <see cref="LatencyBuckets"/>.</summary>
    public ReadOnlySpan<long> FirstToken => _firstToken;

    /// <inheritdoc cref="FirstToken"/>
    public ReadOnlySpan<long> Completion => _completion;

    public long this[SliOutcome outcome] => _outcomes[(int)outcome];

    public void Add(SliOutcome outcome, long count = 1) => _outcomes[(int)outcome] += count;

    public void AddFirstToken(TimeSpan latency, long count = 1) => AddTo(_firstToken, latency, count);

    public void AddCompletion(TimeSpan latency, long count = 1) => AddTo(_completion, latency, count);

    /// <summary>Adds a bucket's sum, as the database returns it.</summary>
    internal void AddFirstToken(int bucket, long cumulative) => _firstToken[bucket] += cumulative;

    /// <inheritdoc cref="AddFirstToken(int, long)"/>
    internal void AddCompletion(int bucket, long cumulative) => _completion[bucket] += cumulative;

    /// <param name="other">The counts to add.</param>
    /// <param name="times">-1 subtracts them.</param>
    public void Add(SliCounts other, long times = 1)
    {
        AddTo(_outcomes, other._outcomes, times);
        AddTo(_firstToken, other._firstToken, times);
        AddTo(_completion, other._completion, times);
    }

    private static void AddTo(long[] histogram, TimeSpan latency, long count)
    {
        for (var index = LatencyBuckets.IndexOf(latency); index < histogram.Length; index++)
        {
            histogram[index] += count;
        }
    }

    private static void AddTo(long[] sums, long[] others, long times)
    {
        for (var index = 0; index < sums.Length; index++)
        {
            sums[index] += others[index] * times;
        }
    }
}
