using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;

namespace Sendcat.Benchmarks.Ops;

/// <summary>
/// Measures <c>GET /api/ops/snapshot</c> of a running API over many events and jobs, and compares its counts with those of SQL.
/// </summary>
internal static class SnapshotBenchmark
{
    private const string Page = "api/ops/snapshot?minutes=1440";
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
        await using var api = await OpsApi.StartAsync(clock, cancellationToken);
        foreach (var sql in new[] { OpsRows.Events, OpsRows.Jobs, OpsRows.Deliveries })
        {
            await OpsRows.InsertAsync(api.Database, sql, sql == OpsRows.Events ? events : sql == OpsRows.Jobs ? jobs : events / 10, cancellationToken);
        }

        var (text, first) = await api.ReadAsync(Page, cancellationToken);
        var times = new List<double>();
        for (var read = 0; read < reads; read++)
        {
            (text, var ms) = await api.ReadAsync(Page, cancellationToken);
            times.Add(ms);
        }

        var differences = await DifferencesAsync(api.Database, text, cancellationToken);
        var figures = new SnapshotFigures(events, jobs, first, Percentile(times, 0.5), Percentile(times, 0.99), times.Max(), text.Length, differences);
        Write(figures);
        await Report.WriteAsync("snapshot", new { events, jobs, reads }, figures, clock);
        return figures.P99Ms <= TargetMs && differences.Count == 0 ? 0 : 1;
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

    private static void Write(SnapshotFigures figures) => FiguresTable.Write(
        ("events, jobs", $"{Text(figures.Events)}, {Text(figures.Jobs)}"), ("first snapshot (ms)", Units.Text(figures.FirstMs)),
        ("p50 (ms)", Units.Text(figures.P50Ms)), ("p99 (ms, target ≤ 200)", Units.Text(figures.P99Ms)),
        ("longest (ms)", Units.Text(figures.LongestMs)), ("size (bytes)", Text(figures.Bytes)),
        ("counts that differ from SQL", figures.Differences.Count == 0 ? "none" : string.Join("; ", figures.Differences)));

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>Times in ms.</summary>
internal sealed record SnapshotFigures(
    int Events, int Jobs, double FirstMs, double P50Ms, double P99Ms, double LongestMs, int Bytes, IReadOnlyList<string> Differences);
