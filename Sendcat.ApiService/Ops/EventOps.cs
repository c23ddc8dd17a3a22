using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/events</c>: the decisions of limits, admission and circuits that are written as events.</summary>
internal static class EventOps
{
    private const int DefaultRows = 50;
    private const int LongestText = 300;
    private const int MaxWindowMinutes = 1_440;

    private static readonly int RetentionMinutes = (int)RateLimitEvents.Retention.TotalMinutes;

    public static void MapEvents(this RouteGroupBuilder ops)
    {
        ops.MapGet("/events", ListAsync).As(
            "ops.events",
            "Events of limits, admission and circuits, the newest first; ?source=, ?bucket=, ?outcome=, ?reason=, ?key=, ?minutes=", 400);
        ops.MapGet("/events/summary", SummaryAsync).As(
            "ops.eventSummary", "All events of the last minutes by source, bucket, outcome and reason, counted by their hits", 400);
    }

    private static async Task<Results<Ok<Page<EventView>>, ApiError>> ListAsync(
        EventHistory events, CurrentKnobs knobs, TimeProvider time, string? source, string? bucket, string? outcome, string? reason,
        string? key,
        string? minutes, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        var most = knobs.Of<OpsOptions>().MaxRowsPerSection;
        if (!PageLimit.Read(limit, fallback: Math.Min(DefaultRows, most), most).TryGet(out var count, out var refusal)
            || !OpsCursor.Read(cursor).TryGet(out var after, out refusal)
            || !Minutes(minutes, RetentionMinutes, RetentionMinutes).TryGet(out var window, out refusal))
        {
            return refusal;
        }

        if (new[] { source, bucket, outcome, reason, key }.Any(text => !StoredText.Fits(text, LongestText)))
        {
            return ApiError.InvalidRequest($"source, bucket, outcome, reason and key must have at most {LongestText} characters");
        }

        DateTimeOffset? since = string.IsNullOrEmpty(minutes) ? null : time.GetUtcNow().AddMinutes(-window);
        var filter = new EventFilter(
            NullIfEmpty(source), NullIfEmpty(bucket), NullIfEmpty(outcome), NullIfEmpty(reason), NullIfEmpty(key), since);
        var rows = await events.ListAsync(filter, after.Before, count + 1, cancellationToken);
        return TypedResults.Ok(new Page<EventView>(
            [.. rows.Take(count).Select(EventView.Of)], rows.Count > count ? OpsCursor.After(rows[count - 1].Id) : null));
    }

    private static async Task<Results<Ok<EventSummary>, ApiError>> SummaryAsync(
        EventHistory events, CurrentKnobs knobs, TimeProvider time, string? minutes, CancellationToken cancellationToken) =>
        Minutes(minutes, knobs.Of<OpsOptions>().DefaultWindowMinutes, MaxWindowMinutes).TryGet(out var window, out var refusal)
            ? TypedResults.Ok(EventSummary.Of(window, await events.CountAsync(time.GetUtcNow().AddMinutes(-window), cancellationToken)))
            : refusal;

    private static Outcome<int> Minutes(string? text, int fallback, int max) =>
        string.IsNullOrEmpty(text) ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes >= 1 && minutes <= max ? minutes
        : ApiError.InvalidRequest($"minutes must be 1 to {max}");

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <param name="Hits">How often it occurred in a time slot of five seconds, over all replicas.</param>
internal sealed record EventView(
    string Id, DateTime At, string Source, string Bucket, string Key, string Outcome, string? Reason, int Hits, int? RetryAfterMs,
    string? Path,
    string? Method)
{
    public static EventView Of(WrittenEvent row) => new(
        OpsCursor.After(row.Id), row.At.UtcDateTime, row.Source, row.Bucket, row.Key, row.Outcome, row.Reason, row.Hits, row.RetryAfterMs,
        row.Path,
        row.Method);
}

/// <summary>The keys of the maps are joined by <c>:</c>. A missing reason is <c>none</c>.</summary>
internal sealed record EventSummary(
    long Total, int WindowMinutes, IReadOnlyDictionary<string, long> BySourceBucketOutcome,
    IReadOnlyDictionary<string, long> ByBucketOutcome,
    IReadOnlyDictionary<string, long> ByBucketOutcomeReason)
{
    public static EventSummary Of(int minutes, IReadOnlyList<EventTotal> totals) => new(
        totals.Sum(total => total.Hits), minutes,
        By(totals, total => $"{total.Source}:{total.Bucket}:{total.Outcome}"), By(totals, total => $"{total.Bucket}:{total.Outcome}"),
        By(totals, total => $"{total.Bucket}:{total.Outcome}:{total.Reason}"));

    private static SortedDictionary<string, long> By(IEnumerable<EventTotal> totals, Func<EventTotal, string> key) => new(
        totals.GroupBy(key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Sum(total => total.Hits), StringComparer.Ordinal),
        StringComparer.Ordinal);
}
