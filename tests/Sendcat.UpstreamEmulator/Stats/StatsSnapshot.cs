namespace Sendcat.UpstreamEmulator.Stats;

/// <summary>
/// The counters since the start or the last reset. Every started request ends as exactly one of completed, refused, broken or aborted;
/// until then it is active.
/// </summary>
/// <param name="Started">Requests whose body was read.</param>
/// <param name="Completed">Requests with a complete response: finish reason and <c>[DONE]</c>, or a whole JSON body.</param>
/// <param name="Refused">Requests that got an error status.</param>
/// <param name="Broken">Requests whose response was broken on purpose: an error in the stream, a cut connection, no finish reason.</param>
/// <param name="Aborted">Requests that the client aborted.</param>
/// <param name="Active">Requests that have not ended.</param>
/// <param name="Chunks">Data events that were written.</param>
public sealed record StatsCounts(long Started, long Completed, long Refused, long Broken, long Aborted, long Active, long Chunks)
{
    internal static StatsCounts Sum(IEnumerable<StatsCounts> counts) => counts.Aggregate(
        new StatsCounts(0, 0, 0, 0, 0, 0, 0),
        (a, b) => new(
            a.Started + b.Started,
            a.Completed + b.Completed,
            a.Refused + b.Refused,
            a.Broken + b.Broken,
            a.Aborted + b.Aborted,
            a.Active + b.Active,
            a.Chunks + b.Chunks));
}

/// <summary>One abort by a client, as the emulator detected it.</summary>
/// <param name="NoticedAt">When the server detected that the client had closed the connection.</param>
/// <param name="Upstream">The upstream, for instance <c>openrouter</c>.</param>
/// <param name="Model">The model or route.</param>
/// <param name="Phase">How far the response was: <c>before-headers</c>, <c>before-first</c> or <c>mid</c>.</param>
/// <param name="Chunks">The data events that were written before the abort.</param>
/// <param name="OpenForMs">Milliseconds from the start of the request to the abort.</param>
public sealed record PeerAbort(DateTimeOffset NoticedAt, string Upstream, string Model, string Phase, long Chunks, double OpenForMs);

/// <summary>The statistics at one time.</summary>
/// <param name="At">The time of the snapshot.</param>
/// <param name="Totals">The sum over all upstreams.</param>
/// <param name="Upstreams">The counts by upstream (<c>openrouter</c>, …) and by route or model.</param>
/// <param name="FirstAbortNoticedAt">
/// When the first abort since the reset was detected. A test compares it with the time of its cancellation.
/// </param>
/// <param name="LastAbortNoticedAt">When the last abort since the reset was detected.</param>
/// <param name="RecentAborts">The last 256 aborts, oldest first.</param>
public sealed record StatsSnapshot(
    DateTimeOffset At,
    StatsCounts Totals,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, StatsCounts>> Upstreams,
    DateTimeOffset? FirstAbortNoticedAt,
    DateTimeOffset? LastAbortNoticedAt,
    IReadOnlyList<PeerAbort> RecentAborts)
{
    /// <summary>The chat completions that were begun. Each replica reads the list of models as well, at a time of its own.</summary>
    public long ModelCalls => Of("openrouter").Started - Of("openrouter", "/models").Started;

    /// <summary>
    /// The counts of one upstream, or of one route or model of it, for instance <c>ebay</c> and <c>token</c>. An empty name means all.
    /// The counts are zero for a name without requests.
    /// </summary>
    public StatsCounts Of(string upstream, string route = "") => upstream.Length == 0 ? Totals
        : StatsCounts.Sum(Upstreams.TryGetValue(upstream, out var routes)
            ? routes.Where(entry => route.Length == 0 || entry.Key == route).Select(entry => entry.Value)
            : []);
}
