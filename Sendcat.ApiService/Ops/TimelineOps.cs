using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/timeline</c>: what happened to the system, for the chronology of an incident.</summary>
internal static class TimelineOps
{
    private const string CursorOrder = "timeline";
    private const int DefaultRows = 100;

    /// <summary>Most rows of a file.</summary>
    private const int MaxExported = 5_000;

    private static readonly TimeSpan DefaultWindow = TimeSpan.FromHours(1);

    private static readonly string[] Kinds =
    [
        .. Enum.GetValues<IncidentKind>().Select(kind => kind.Name()), IncidentTimeline.Knob, IncidentTimeline.Operator,
            IncidentTimeline.AlertRaised, IncidentTimeline.AlertReopened, IncidentTimeline.AlertResolved,
    ];

    public static void MapTimeline(this RouteGroupBuilder ops) =>
        ops.MapGet("/timeline", ListAsync).As(
            "ops.timeline",
            "What happened to the system, the newest first; ?from= and ?to= (the last hour), ?kinds=a,b; "
                + "?format=csv or markdown downloads the range", 400);

    private static async Task<Results<Ok<Page<IncidentView>>, FileContentHttpResult, ApiError>> ListAsync(
        IncidentTimeline timeline, CurrentKnobs knobs, TimeProvider time, string? from, string? to, string? kinds, string? format,
            string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        var (now, most) = (time.GetUtcNow(), knobs.Of<OpsOptions>().MaxRowsPerSection);
        if (!PageLimit.Read(limit, fallback: Math.Min(DefaultRows, most), most).TryGet(out var count, out var refusal)
            || !Time("to", to, now).TryGet(out var end, out refusal)
                || !Time("from", from, end - DefaultWindow).TryGet(out var start, out refusal)
            || !KindsOf(kinds).TryGet(out var only, out refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, CursorOrder, out var after))
        {
            return PageCursor.Invalid;
        }

        if (format is "csv" or "markdown")
        {
            var all = await timeline.ListAsync(start, end, only.Names, null, MaxExported, cancellationToken);
            return File(format, all, start, end);
        }

        if (!string.IsNullOrEmpty(format) && format != "json")
        {
            return ApiError.InvalidRequest("format must be json, csv or markdown");
        }

        var rows = await timeline.ListAsync(start, end, only.Names, after is null ? null : PositionOf(after), count + 1, cancellationToken);
        return TypedResults.Ok(new Page<IncidentView>(
            [.. rows.Take(count).Select(IncidentView.Of)], rows.Count > count ? CursorOf(rows[count - 1].Position).ToString() : null));
    }

    /// <summary>The entries as a file for a post-mortem, the oldest first.</summary>
    internal static string Text(string format, IReadOnlyList<IncidentEntry> entries, DateTimeOffset from, DateTimeOffset to)
    {
        var text = new StringBuilder();
        if (format == "csv")
        {
            text.Append("at,kind,subject,title,detail,actor,reason\r\n");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"# Timeline {Minute(from)} to {Minute(to)} UTC\n\n")
                .Append("| UTC | what | subject | detail | who and why |\n|---|---|---|---|---|\n");
        }

        foreach (var entry in entries.Reverse())
        {
            var at = entry.Position.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            string?[] cells = format == "csv"
                ? [at, entry.Kind, entry.Subject, entry.Title, entry.Detail, entry.Actor, entry.Reason]
                : [at, entry.Title, entry.Subject, entry.Detail, entry.Actor is null ? null : $"{entry.Actor}: {entry.Reason}"];
            text.Append(format == "csv" ? string.Join(',', cells.Select(CsvCell)) + "\r\n"
                : $"| {string.Join(" | ", cells.Select(MarkdownCell))} |\n");
        }

        return text.ToString();

        static string Minute(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    private static FileContentHttpResult File(string format, IReadOnlyList<IncidentEntry> entries, DateTimeOffset from, DateTimeOffset to)
    {
        var name = $"timeline-{to.UtcDateTime.ToString("yyyyMMdd-HHmm", CultureInfo.InvariantCulture)}";
        return TypedResults.File(
            Encoding.UTF8.GetBytes(Text(format, entries, from, to)), $"text/{format}; charset=utf-8",
                $"{name}.{(format == "csv" ? "csv" : "md")}");
    }

    /// <summary>A cell that begins like a formula gets an apostrophe: spreadsheets would run it, and clients and upstreams determine parts
    /// of the text.</summary>
    private static string CsvCell(string? cell)
    {
        var text = cell ?? "";
        text = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? $"'{text}" : text;
        return text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }

    private static string MarkdownCell(string? cell) =>
        (cell ?? "").ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static Outcome<DateTimeOffset> Time(string name, string? text, DateTimeOffset fallback) =>
        string.IsNullOrEmpty(text) ? fallback
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToUniversalTime()
        : ApiError.InvalidRequest($"{name} must be a time (ISO 8601)");

    private static Outcome<KindFilter> KindsOf(string? kinds)
    {
        var names = (kinds ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return names.FirstOrDefault(name => !Kinds.Contains(name)) is not null
            ? ApiError.InvalidRequest($"kinds must be among {string.Join(", ", Kinds)}")
            : new KindFilter(names.Length == 0 ? null : names);
    }

    private static PageCursor CursorOf(IncidentPosition position)
    {
        Span<byte> id = stackalloc byte[16];
        id.Clear();
        id[0] = (byte)position.Source;
        BinaryPrimitives.WriteInt64BigEndian(id[8..], position.Id);
        return new(CursorOrder, position.At, new Guid(id, bigEndian: true));
    }

    private static IncidentPosition PositionOf(PageCursor cursor)
    {
        Span<byte> id = stackalloc byte[16];
        cursor.Id.TryWriteBytes(id, bigEndian: true, out _);
        return new(cursor.At, id[0], BinaryPrimitives.ReadInt64BigEndian(id[8..]));
    }

    /// <param name="Names">Null: all.</param>
    private sealed record KindFilter(string[]? Names);
}

/// <param name="Kind">
/// <c>circuit_opened</c>, <c>circuit_closed</c>, <c>process_started</c>, <c>process_stopped</c>, <c>process_died</c>, <c>deployment</c>,
/// <c>redis_restarted</c>, <c>redis_data_lost</c>, <c>postgres_restarted</c>, <c>knob</c>, <c>operator</c>, <c>alert_raised</c>,
/// <c>alert_reopened</c> or <c>alert_resolved</c>.
/// </param>
/// <param name="Subject">A provider, a process, a knob, an alert, or what an operator changed.</param>
/// <param name="Title">A few words for people.</param>
/// <param name="Actor">The operator, of a change.</param>
internal sealed record IncidentView(string Id, DateTime At, string Kind, string Subject, string Title, string? Detail, string? Actor,
    string? Reason)
{
    public static IncidentView Of(IncidentEntry entry) => new(
        string.Create(CultureInfo.InvariantCulture, $"{entry.Position.Source}-{entry.Position.Id}"), entry.Position.At.UtcDateTime,
            entry.Kind, entry.Subject,
        entry.Title, entry.Detail, entry.Actor, entry.Reason);
}
