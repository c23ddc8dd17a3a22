namespace Sendcat.Reliability.Outbound;

/// <summary>How one upstream is asked.</summary>
/// <param name="Provider">Name of its circuit and its bulkhead.</param>
/// <param name="Timeout">Per attempt, the body included.</param>
/// <param name="Retries">Further attempts after the first.</param>
public sealed record UpstreamPolicy(string Provider, TimeSpan Timeout, int Retries)
{
    /// <summary>In bytes, after decompression.</summary>
    public long LargestAnswer { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long a question waits for a place when the bulkhead is full; zero: it does not.</summary>
    public TimeSpan PlacePatience { get; init; }

    /// <summary>Rings when an answer would come too late: the question ends as if all its attempts had timed out, and the circuit hears of it.</summary>
    public CancellationToken TooLate { get; init; }

    public static readonly UpstreamPolicy Serper = new("serper_search", TimeSpan.FromSeconds(7), 2);
    public static readonly UpstreamPolicy Ebay = new("ebay_search", TimeSpan.FromSeconds(8), 2);
    public static readonly UpstreamPolicy Global = new("global_search", TimeSpan.FromSeconds(5), 2);

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);
    private const int MostJitterMs = 120;

    /// <summary>Answers after which the same question may be answered.</summary>
    public static bool MayRetry(int status) => status is 408 or 409 or 425 or 429 or 500 or 502 or 503 or 504;

    /// <summary>The upstream wants more time than a turn has: then not even the job is tried again.</summary>
    public static bool IsTooLong(TimeSpan? asked) => asked > Longest;

    /// <param name="attempt">The one that failed, from 0.</param>
    /// <param name="asked">The upstream's own <c>Retry-After</c>.</param>
    /// <param name="jitter">0…1</param>
    /// <returns>How long to wait before the next attempt; null: the upstream wants more time than a turn has.</returns>
    public static TimeSpan? Pause(int attempt, TimeSpan? asked, double jitter)
    {
        var own = TimeSpan.FromMilliseconds(Math.Min(First.TotalMilliseconds * (1 << attempt), Longest.TotalMilliseconds) + (jitter * (MostJitterMs - 1)));
        return IsTooLong(asked) ? null : asked > own ? asked : own;
    }
}
