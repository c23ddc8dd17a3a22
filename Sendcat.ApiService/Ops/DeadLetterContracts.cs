using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

internal sealed record DeadLetterGroupView(
    string Tool, string Fingerprint, string Reason, string Error, int Count, DateTime FirstAt, DateTime LastAt)
{
    public static DeadLetterGroupView Of(DeadLetterGroup group) =>
        new(group.Tool, group.Fingerprint, group.Reason, group.Error, group.Count, group.First.UtcDateTime, group.Last.UtcDateTime);
}

/// <param name="History">One object per attempt, across all replays.</param>
/// <param name="ReplayCount">How often it was requeued.</param>
internal sealed record DeadLetterView(
    Guid Id, string Tool, string Principal, string Reason, string Fingerprint, string Error, int Attempts, int ReplayCount,
    DateTime CreatedAt,
    DateTime DiedAt, JsonElement? Arguments, JsonElement? History)
{
    /// <summary>The result of the last time that it was requeued; absent: it never was.</summary>
    public LastReplayView? LastReplay { get; init; }

    public static DeadLetterView Of(DeadLetter letter) => new(
        letter.Id, letter.Tool, letter.Principal, letter.Reason, letter.Fingerprint, letter.Error, letter.Attempts, letter.ReplayCount,
        letter.CreatedAt.UtcDateTime, letter.DiedAt.UtcDateTime, Json(letter.Arguments), Json(letter.History))
    {
        LastReplay = letter.LastReplayWasPartial is { } partial
            ? new(partial ? "partial" : "failed", letter.Error, letter.DiedAt.UtcDateTime)
            : null,
    };

    /// <summary>JSON, or the text itself when it is not JSON.</summary>
    internal static JsonElement? Json(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // A job whose arguments are not valid JSON is still shown, with them as text.
            return JsonSerializer.SerializeToElement(text, OpsJson.Default.String);
        }
    }
}

/// <param name="Result"><c>partial</c>: a source failed; <c>failed</c>: there is no result.</param>
/// <param name="At">When it ended.</param>
internal sealed record LastReplayView(string Result, string Error, DateTime At);

/// <summary>Selects the dead letters to change: by at least one filter, or by <paramref name="All"/>.</summary>
/// <param name="Limit">The most dead letters to change, 1–10 000; the oldest are changed first.</param>
/// <param name="DryRun">True: report what would be changed, and change nothing.</param>
/// <remarks>A filter with a wrong name is refused: without it, more letters would match than were meant.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed partial record DeadLetterOrder(
    string? Tool, string? Fingerprint, IReadOnlyList<Guid>? Ids, DateTimeOffset? DiedBefore, int? Limit, bool? All,
    bool? DryRun) : IValidatable
{
    public string? Principal { get; init; }

    /// <summary>Words that the arguments contain.</summary>
    public string? Arguments { get; init; }

    public DateTimeOffset? DiedAfter { get; init; }

    /// <summary>Requeue although a circuit of an upstream is open.</summary>
    public bool? Force { get; init; }

    public DeadLetterFilter Filter => new(Tool, Fingerprint, Ids, DiedBefore?.ToUniversalTime(), Limit ?? DeadLetterFilter.MaxLimit)
    {
        Principal = Principal,
        Arguments = Arguments,
        DiedAfter = DiedAfter?.ToUniversalTime(),
    };

    public IEnumerable<string> Problems()
    {
        if (All is not true && Filter.MatchesAll)
        {
            yield return "say which: tool, principal, arguments, fingerprint, ids, diedAfter, diedBefore, or all: true";
        }

        if (Limit is < 1 or > DeadLetterFilter.MaxLimit)
        {
            yield return $"limit must be 1 to {DeadLetterFilter.MaxLimit}";
        }

        foreach (var problem in Problems(Filter))
        {
            yield return problem;
        }
    }

    public static IEnumerable<string> Problems(DeadLetterFilter filter)
    {
        if (filter.Tool is not null && !QueuedWork.AllLanes.Any(lane => lane.Tool == filter.Tool))
        {
            yield return $"tool must be one of {string.Join(", ", QueuedWork.AllLanes)}";
        }

        if (filter.Fingerprint is not null && !FingerprintPattern().IsMatch(filter.Fingerprint))
        {
            yield return "fingerprint must have 12 hex digits";
        }

        if (!StoredText.Fits(filter.Principal, LongestText))
        {
            yield return $"principal must have at most {LongestText} characters";
        }

        if (filter.Arguments is not null && !(StoredText.Fits(filter.Arguments, LongestText) && ArgumentWords.Any(filter.Arguments)))
        {
            yield return $"arguments must be words of at most {LongestText} characters";
        }
    }

    private const int LongestText = 300;

    [GeneratedRegex(@"\A[0-9a-f]{12}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex FingerprintPattern();
}

/// <param name="Matched">The number of dead letters that match the filter.</param>
/// <param name="Changed">The number of dead letters that were changed, or would be in a dry run.</param>
/// <param name="Skipped">The number of dead letters that were not changed, because another job already handles the same request.</param>
/// <param name="LastDueAt">The time at which the last replayed job becomes due.</param>
internal sealed record DeadLettersChanged(bool DryRun, int Matched, int Changed, int Skipped, IReadOnlyList<Guid> Ids, DateTime? LastDueAt)
{
    public static DeadLettersChanged Of(DeadLetterChange change) =>
        new(change.DryRun, change.Matched, change.Jobs.Count, change.Skipped, change.Jobs, change.LastDueAt?.UtcDateTime);
}
