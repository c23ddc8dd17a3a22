using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Spectre.Console;

namespace Sendcat.Benchmarks.Ops;

/// <summary>
/// Measures <c>GET /api/ops/snapshot</c> and <c>GET /api/ops/callers</c> of a running API over many events, jobs and turns with costs, and
/// compares their counts with those of SQL.
/// </summary>
internal static class SnapshotBenchmark
{
    private const string Page = "api/ops/snapshot?minutes=1440";
    private const double TargetMs = 200;

    public static Command Command()
    {
        var events = new Option<int>("--events") { Description = "rows of events", DefaultValueFactory = _ => 100_000 };
        var jobs = new Option<int>("--jobs") { Description = "tool jobs, an eighth of them dead letters", DefaultValueFactory = _ => 100_000 };
        var costs = new Option<int>("--costs") { Description = "turns with costs", DefaultValueFactory = _ => 100_000 };
        var reads = new Option<int>("--reads") { Description = "measured snapshots", DefaultValueFactory = _ => 200 };
        var command = new Command("snapshot", "Snapshot and callers for operators over many rows: their time, and a comparison with SQL.")
        {
            events, jobs, costs, reads,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(events), parsed.GetValue(jobs), parsed.GetValue(costs), parsed.GetValue(reads), TimeProvider.System,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        int events, int jobs, int costs, int reads, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var api = await OpsApi.StartAsync(clock, cancellationToken);
        foreach (var (sql, rows) in new[]
                 {
                     (OpsRows.Events, events), (OpsRows.Jobs, jobs), (OpsRows.Deliveries, events / 10), (OpsRows.Costs, costs),
                 })
        {
            await OpsRows.InsertAsync(api.Database, sql, rows, cancellationToken);
        }

        var (text, snapshot) = await MeasureAsync(api, Page, reads, cancellationToken);
        var differences = await DifferencesAsync(api.Database, text, cancellationToken);
        var callers = new List<ReadFigures>();
        foreach (var measure in new[] { "cost", "refusals" })
        {
            var path = $"api/ops/callers?minutes=1440&by={measure}";
            var (page, figure) = await MeasureAsync(api, path, reads / 5, cancellationToken);
            callers.Add(figure);
            differences.AddRange(await CallerDifferencesAsync(api.Database, page, cancellationToken));
        }

        var figures = new SnapshotFigures(events, jobs, costs, snapshot, callers, differences);
        Write(figures);
        await Report.WriteAsync("snapshot", new { events, jobs, costs, reads }, figures, clock);
        return snapshot.P99Ms <= TargetMs && differences.Count == 0 ? 0 : 1;
    }

    private static async Task<(string Text, ReadFigures Figures)> MeasureAsync(
        OpsApi api, string path, int reads, CancellationToken cancellationToken)
    {
        var (text, first) = await api.ReadAsync(path, cancellationToken);
        var times = new List<double>();
        for (var read = 0; read < reads; read++)
        {
            (text, var ms) = await api.ReadAsync(path, cancellationToken);
            times.Add(ms);
        }

        return (text, new(path, first, Percentile(times, 0.5), Percentile(times, 0.99), times.Max(), text.Length));
    }

    /// <summary>The cost and the refusals of the listed callers that differ from those of SQL.</summary>
    private static async Task<IEnumerable<string>> CallerDifferencesAsync(
        NpgsqlDataSource database, string text, CancellationToken cancellationToken)
    {
        using var page = JsonDocument.Parse(text);
        var expected = await OpsRows.CountsAsync(database, OpsRows.CallerSums, cancellationToken);
        var items = page.RootElement.GetProperty("items").EnumerateArray()
            .SelectMany(item =>
            {
                var caller = item.GetProperty("caller").GetString();
                return new (string Key, long Shown)[]
                {
                    ($"{caller} cost", MicroUsd(item)), ($"{caller} refusals", item.GetProperty("refusals").GetInt64()),
                };
            })
            .ToList();
        return items.Count == 0 ? ["no caller is listed"]
            :
            [
                .. from item in items
                   let right = expected.GetValueOrDefault(item.Key)
                   where item.Shown != right
                   select string.Create(CultureInfo.InvariantCulture, $"caller {item.Key}: {item.Shown}, SQL {right}"),
            ];
    }

    private static long MicroUsd(JsonElement row) => (long)(row.GetProperty("usd").GetDecimal() * 1_000_000);

    /// <summary>The counts of the snapshot that differ from those of SQL.</summary>
    private static async Task<List<string>> DifferencesAsync(NpgsqlDataSource database, string text, CancellationToken cancellationToken)
    {
        using var snapshot = JsonDocument.Parse(text);
        var root = snapshot.RootElement;
        var differences = new List<string>();
        foreach (var (name, counts, sql) in new[]
                 {
                     ("events", root.GetProperty("rateLimitPressure").GetProperty("byBucketOutcomeReason"), OpsRows.EventCounts),
                     ("jobs", root.GetProperty("toolJobs").GetProperty("byStatus"), OpsRows.JobCounts),
                     ("deliveries", root.GetProperty("replayProtection").GetProperty("byScope"), OpsRows.DeliveryCounts),
                     ("cost", root.GetProperty("cost").GetProperty("byModel"), OpsRows.CostSums),
                 })
        {
            var expected = await OpsRows.CountsAsync(database, sql, cancellationToken);
            var shown = counts.ValueKind is JsonValueKind.Array
                ? counts.EnumerateArray().ToDictionary(row => row.GetProperty("model").GetString()!, MicroUsd, StringComparer.Ordinal)
                : counts.EnumerateObject().ToDictionary(
                    count => count.Name,
                    count => count.Value.ValueKind is JsonValueKind.Object
                        ? count.Value.GetProperty("totalKeys").GetInt64()
                        : count.Value.GetInt64(),
                    StringComparer.Ordinal);
            differences.AddRange(expected.Keys.Union(shown.Keys, StringComparer.Ordinal)
                .Where(key => expected.GetValueOrDefault(key) != shown.GetValueOrDefault(key))
                .Select(key => string.Create(CultureInfo.InvariantCulture, $"{name} {key}: {shown.GetValueOrDefault(key)}, SQL {expected.GetValueOrDefault(key)}")));
        }

        return differences;
    }

    private static double Percentile(List<double> values, double share) => values.Order().ElementAt(Math.Min((int)(values.Count * share), values.Count - 1));

    private static void Write(SnapshotFigures figures) => FiguresTable.Write(
    [
        ("events, jobs, turns with costs", $"{Text(figures.Events)}, {Text(figures.Jobs)}, {Text(figures.Costs)}"),
        .. Rows("snapshot", figures.Snapshot, " (target ≤ 200)"),
        .. figures.Callers.SelectMany(callers => Rows($"callers {callers.Path.Split('&')[^1]}", callers, "")),
        ("counts that differ from SQL", figures.Differences.Count == 0 ? "none" : Markup.Escape(string.Join("; ", figures.Differences))),
    ]);

    private static IEnumerable<(string Name, string Value)> Rows(string name, ReadFigures read, string target) =>
    [
        ($"{name}: first, p50, p99{target}, longest (ms)",
            $"{Units.Text(read.FirstMs)}, {Units.Text(read.P50Ms)}, {Units.Text(read.P99Ms)}, {Units.Text(read.LongestMs)}"),
        ($"{name}: size (bytes)", Text(read.Bytes)),
    ];

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

internal sealed record SnapshotFigures(
    int Events, int Jobs, int Costs, ReadFigures Snapshot, IReadOnlyList<ReadFigures> Callers, IReadOnlyList<string> Differences);

/// <summary>Times in ms of one page.</summary>
internal sealed record ReadFigures(string Path, double FirstMs, double P50Ms, double P99Ms, double LongestMs, int Bytes);
