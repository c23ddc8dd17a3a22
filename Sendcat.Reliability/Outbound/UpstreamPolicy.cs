using System.Text.Json;
using Sendcat.Reliability.Timing;

namespace Sendcat.Reliability.Outbound;

/// <summary>How requests to an upstream are sent.</summary>
/// <param name="Provider">Name of the circuit and the bulkhead.</param>
/// <param name="Timeout">Timeout of an attempt, including the body.</param>
/// <param name="Retries">Most attempts after the first.</param>
public sealed record UpstreamPolicy(string Provider, TimeSpan Timeout, int Retries)
{
    /// <summary>Largest body of a response in bytes, after decompression.</summary>
    public long MaxResponseBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// A response that is longer is no failure of the upstream and says nothing about it: for instance a mail that its sender made too
    /// long.
    /// </summary>
    public bool LongResponsesAreNeutral { get; init; }

    /// <summary>How long a request waits for a slot when the bulkhead is full; zero: it does not wait.</summary>
    public TimeSpan SlotTimeout { get; init; }

    /// <summary>
    /// Fires when a response would come too late. The request then ends as if its attempt had timed out, and counts as a failure for the
    /// circuit.
    /// </summary>
    public CancellationToken TooLate { get; init; }

    /// <summary>
    /// Reads the provider's name of the error from the JSON of an unsuccessful response; null: such a body is not read. The name must come
    /// from a closed set, because it becomes part of error texts.
    /// </summary>
    public Func<JsonElement, string?>? ReadErrorCode { get; init; }

    private static readonly Backoff Pauses = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(2));

    /// <summary>Jitter of every pause, whatever its length.</summary>
    private static readonly TimeSpan MaxJitter = TimeSpan.FromMilliseconds(119);

    /// <summary>Whether the same request may succeed after a response with this status.</summary>
    public static bool MayRetry(int status) => status is 408 or 409 or 425 or 429 or 500 or 502 or 503 or 504;

    /// <summary>Whether the upstream requests a longer pause than a turn allows (2 s). Then the job is not retried either.</summary>
    public static bool ExceedsMaxPause(TimeSpan? retryAfter) => retryAfter > Pauses.Max;

    /// <summary>
    /// The pause before the next attempt: exponential backoff from 250 ms to 2 s plus up to 119 ms of jitter, or the upstream's pause if it
    /// is longer.
    /// </summary>
    /// <param name="attempt">Number of the attempt that failed, from 0.</param>
    /// <param name="retryAfter">The <c>Retry-After</c> of the upstream.</param>
    /// <param name="jitter">A random number from 0 to 1.</param>
    /// <returns>The pause; null: the upstream requests a longer pause than a turn allows, so there is no next attempt.</returns>
    public static TimeSpan? Pause(int attempt, TimeSpan? retryAfter, double jitter)
    {
        var own = Pauses.After(attempt + 1) + (jitter * MaxJitter);
        return ExceedsMaxPause(retryAfter) ? null : retryAfter > own ? retryAfter : own;
    }
}
