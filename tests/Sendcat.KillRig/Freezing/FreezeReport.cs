using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sendcat.KillRig.Freezing;

/// <summary>What happened around the freeze of one store.</summary>
/// <param name="Recovery">
/// For each kind of request: the time from the end of the freeze to its first success that was sent after it; null: none.
/// </param>
internal sealed record Freeze(
    string Store, DateTimeOffset Began, DateTimeOffset Ended, IReadOnlyList<Freeze.Row> Rows,
    IReadOnlyDictionary<string, TimeSpan?> Recovery)
{
    /// <summary>Requests of one kind with one outcome, by the time at which they were sent.</summary>
    internal sealed record Row(string Phase, string Kind, string Outcome, int Count, TimeSpan Median, TimeSpan P99, TimeSpan Longest);

    public static Freeze Of(string store, DateTimeOffset began, DateTimeOffset ended, TimeSpan calm, IReadOnlyCollection<Request> requests)
    {
        var rows = requests
            .Where(request => request.At >= began - calm && request.At < ended + calm)
            .GroupBy(
                request => (Phase: request.At < began ? "before" : request.At < ended ? "frozen" : "after", request.Kind, request.Outcome))
            .OrderBy(group => group.Key.Phase is "before" ? 0 : group.Key.Phase is "frozen" ? 1 : 2).ThenBy(group => group.Key.Kind)
            .ThenBy(group => group.Key.Outcome)
            .Select(group =>
            {
                TimeSpan[] times = [.. group.Select(request => request.Took).Order()];
                return new Row(
                    group.Key.Phase, group.Key.Kind, group.Key.Outcome, times.Length, times[times.Length / 2],
                    times[times.Length * 99 / 100], times[^1]);
            });
        var recovery = requests.Select(request => request.Kind).Distinct().Order(StringComparer.Ordinal).ToDictionary(
            kind => kind,
            kind => requests.Where(request => request.Kind == kind && request.At >= ended && request.Succeeded)
                .Select(request => (TimeSpan?)(request.At + request.Took - ended)).Min());
        return new(store, began, ended, [.. rows], recovery);
    }
}

/// <summary>The report of a freeze run, as Markdown and as JSON.</summary>
/// <param name="Load">The load averages of the machine at the end of the run.</param>
internal sealed record FreezeReport(
    FreezeOptions Options, DateTimeOffset Began, string Load, IReadOnlyList<Freeze> Freezes, FreezeAudit Audit)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Nothing was lost, nothing is left, and every kind of request succeeded again in time.</summary>
    public bool Passes => Audit.Passes
        && Freezes.All(freeze => freeze.Recovery.Values.All(recovery => recovery is { } time && time <= Options.MaxRecovery));

    public async Task WriteAsync(string folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "freeze.md"), ToMarkdown());
        await using var file = File.Create(Path.Combine(folder, "freeze.json"));
        await JsonSerializer.SerializeAsync(file, new { Passes, Report = this }, Json);
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# Frozen stores: {(Passes ? "pass" : "fail")}").AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Began:yyyy-MM-dd HH:mm}, {Options.People} users, each store suspended for {Options.Frozen.TotalSeconds:0} s, "
            + $"load average {Load.Trim()}. {Audit.Turns} accepted turns, {Audit.Lost.Count} lost, {Audit.Left} left over. "
            + $"{Audit.Jobs} jobs, {Audit.Open} without an end, {Audit.EndedTwice} with two ends, "
            + $"{Audit.RanTwice} claimed more than once.");
        foreach (var lost in Audit.Lost.Take(20))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {lost}");
        }

        foreach (var freeze in Freezes)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {freeze.Store}").AppendLine();
            text.AppendLine("| sent | request | outcome | number | median | p99 | longest |")
                .AppendLine("| --- | --- | --- | ---: | ---: | ---: | ---: |");
            foreach (var row in freeze.Rows)
            {
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"| {row.Phase} | {row.Kind} | {row.Outcome} | {row.Count} | {Ms(row.Median)} | {Ms(row.P99)} | {Ms(row.Longest)} |");
            }

            var recovery = freeze.Recovery.Select(kind => $"{kind.Key} {(kind.Value is { } time ? Ms(time) : "never")}");
            text.AppendLine().AppendLine(
                CultureInfo.InvariantCulture, $"First success after the freeze: {string.Join(", ", recovery)}.");
        }

        return text.ToString();
    }

    private static string Ms(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}
