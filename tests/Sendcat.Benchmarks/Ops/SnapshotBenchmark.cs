using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Spectre.Console;

namespace Sendcat.Benchmarks.Ops;

/// <summary>
/// Measures <c>GET /api/ops/snapshot</c> of a running API over many events and jobs, and compares its counts with those of SQL.
/// </summary>
internal static class SnapshotBenchmark
{
    private const string Viewer = "the viewer key of this benchmark";
    private const double TargetMs = 200;

    public static Command Command()
    {
        var events = new Option<int>("--events") { Description = "rows of events", DefaultValueFactory = _ => 100_000 };
        var jobs = new Option<int>("--jobs") { Description = "tool jobs, an eighth of them dead letters", DefaultValueFactory = _ => 100_000 };
        var reads = new Option<int>("--reads") { Description = "measured snapshots", DefaultValueFactory = _ => 200 };
        var command = new Command("snapshot", "The snapshot for operators over many events and jobs: its time, and its counts compared with SQL.")
        {
            events, jobs, reads,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(events), parsed.GetValue(jobs), parsed.GetValue(reads), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int events, int jobs, int reads, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var api = await SendcatApi.StartAsync(new Uri("http://127.0.0.1:1/"), ["OPS_VIEWER_KEY=" + Viewer], cancellationToken);
        await using var database = NpgsqlDataSource.Create(api.Database);
        foreach (var sql in new[] { OpsRows.Events, OpsRows.Jobs, OpsRows.Deliveries })
        {
            await OpsRows.InsertAsync(database, sql, sql == OpsRows.Events ? events : sql == OpsRows.Jobs ? jobs : events / 10, cancellationToken);
        }

        using var http = new HttpClient { BaseAddress = api.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Viewer);
        var (text, first) = await ReadAsync(http, clock, cancellationToken);
        var times = new List<double>();
        for (var read = 0; read < reads; read++)
        {
            (text, var ms) = await ReadAsync(http, clock, cancellationToken);
            times.Add(ms);
        }

        var differences = await DifferencesAsync(database, text, cancellationToken);
        var figures = new SnapshotFigures(events, jobs, first, Percentile(times, 0.5), Percentile(times, 0.99), times.Max(), text.Length, differences);
        Write(figures);
        await Report.WriteAsync("snapshot", new { events, jobs, reads }, figures, clock);
        return figures.P99Ms <= TargetMs && differences.Count == 0 ? 0 : 1;
    }

    private static async Task<(string Text, double Ms)> ReadAsync(HttpClient http, TimeProvider clock, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var text = await http.GetStringAsync("api/ops/snapshot?minutes=1440", cancellationToken);
        return (text, Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 2));
    }

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
                 })
        {
            var expected = await OpsRows.CountsAsync(database, sql, cancellationToken);
            var shown = counts.EnumerateObject().ToDictionary(
                count => count.Name, count => count.Value.ValueKind is JsonValueKind.Object ? count.Value.GetProperty("totalKeys").GetInt64() : count.Value.GetInt64(),
                StringComparer.Ordinal);
            differences.AddRange(expected.Keys.Union(shown.Keys, StringComparer.Ordinal)
                .Where(key => expected.GetValueOrDefault(key) != shown.GetValueOrDefault(key))
                .Select(key => string.Create(CultureInfo.InvariantCulture, $"{name} {key}: {shown.GetValueOrDefault(key)}, SQL {expected.GetValueOrDefault(key)}")));
        }

        return differences;
    }

    private static double Percentile(List<double> values, double share) => values.Order().ElementAt(Math.Min((int)(values.Count * share), values.Count - 1));

    private static void Write(SnapshotFigures figures)
    {
        var table = new Table { Border = TableBorder.Markdown }.AddColumns("figure", "value");
        foreach (var (name, value) in new[]
                 {
                     ("events, jobs", $"{Text(figures.Events)}, {Text(figures.Jobs)}"), ("first snapshot (ms)", Units.Text(figures.FirstMs)),
                     ("p50 (ms)", Units.Text(figures.P50Ms)), ("p99 (ms, target ≤ 200)", Units.Text(figures.P99Ms)),
                     ("longest (ms)", Units.Text(figures.LongestMs)), ("size (bytes)", Text(figures.Bytes)),
                     ("counts that differ from SQL", figures.Differences.Count == 0 ? "none" : string.Join("; ", figures.Differences)),
                 })
        {
            table.AddRow(name, value);
        }

        AnsiConsole.Write(table);
    }

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>Times in ms.</summary>
internal sealed record SnapshotFigures(
    int Events, int Jobs, double FirstMs, double P50Ms, double P99Ms, double LongestMs, int Bytes, IReadOnlyList<string> Differences);
