namespace Sendcat.UpstreamEmulator.Stats;

/// <summary>Counters since the start or the last reset. Every started request ends in exactly one of completed, refused, broken or aborted; until then it is active.</summary>
/// <param name="Started">Requests whose body was read.</param>
/// <param name="Completed">Answered to the end: finish reason and <c>[DONE]</c>, or a whole JSON answer.</param>
/// <param name="Refused">Answered with an error status.</param>
/// <param name="Broken">Ended badly on purpose: error in the stream, cut connection, no finish reason.</param>
/// <param name="Aborted">The peer went away first.</param>
/// <param name="Chunks">Data events written.</param>
public sealed record StatsCounts(long Started, long Completed, long Refused, long Broken, long Aborted, long Active, long Chunks)
{
    internal static StatsCounts Sum(IEnumerable<StatsCounts> of) => of.Aggregate(
        new StatsCounts(0, 0, 0, 0, 0, 0, 0),
        (a, b) => new(a.Started + b.Started, a.Completed + b.Completed, a.Refused + b.Refused, a.Broken + b.Broken, a.Aborted + b.Aborted, a.Active + b.Active, a.Chunks + b.Chunks));
}

/// <summary>One abort as the emulator noticed it.</summary>
/// <param name="NoticedAt">When the server learned that the peer is gone.</param>
/// <param name="Phase"><c>before-headers</c>, <c>before-first</c> or <c>mid</c>.</param>
/// <param name="OpenForMs">Milliseconds from the request to the abort.</param>
public sealed record PeerAbort(DateTimeOffset NoticedAt, string Upstream, string Model, string Phase, long Chunks, double OpenForMs);

/// <param name="Totals">Of everything.</param>
/// <param name="Upstreams">By upstream (<c>openrouter</c>, …) and route or model.</param>
/// <param name="FirstAbortNoticedAt">First and last notice since the reset: what a caller compares with the moment it cancelled.</param>
/// <param name="RecentAborts">The last 256, oldest first.</param>
public sealed record StatsSnapshot(
    DateTimeOffset At,
    StatsCounts Totals,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, StatsCounts>> Upstreams,
    DateTimeOffset? FirstAbortNoticedAt,
    DateTimeOffset? LastAbortNoticedAt,
    IReadOnlyList<PeerAbort> RecentAborts)
{
    /// <summary>The counts of one upstream, or of one route or model of it (<c>ebay</c>, <c>token</c>); empty names are all of them. Zero where nothing was asked yet.</summary>
    public StatsCounts Of(string upstream, string route = "") => upstream.Length == 0 ? Totals
        : StatsCounts.Sum(Upstreams.TryGetValue(upstream, out var routes) ? routes.Where(one => route.Length == 0 || one.Key == route).Select(one => one.Value) : []);
}
