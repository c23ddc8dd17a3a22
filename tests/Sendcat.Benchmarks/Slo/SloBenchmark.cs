using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.Reliability.Slo;

namespace Sendcat.Benchmarks.Slo;

/// <summary>
/// Measures the minutes of service levels: a simulated period of several replicas is written as the replicas write it, and the first view
/// of the console, <c>GET /api/ops/slo</c>, is read from a running API.
/// </summary>
internal static class SloBenchmark
{
    private const double TargetMs = 1_000;
    private const int Views = 30;

    /// <summary>Minutes that one statement writes, except on the last day, whose minutes are written one by one as in production.</summary>
    private const int Batch = 60;

    private const int Day = 1_440;

    public static Command Command()
    {
        var days = new Option<int>("--days") { Description = "days, 1 to 31; old minutes are folded", DefaultValueFactory = _ => 1 };
        var replicas = new Option<int>("--replicas") { Description = "replicas that record", DefaultValueFactory = _ => 4 };
        var turns = new Option<int>("--turns") { Description = "turns a minute, of all replicas", DefaultValueFactory = _ => 5_000 };
        var command = new Command("slo", "Minutes of service levels: size on disk, and time of the console's first view.")
        {
            days, replicas, turns,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(days), parsed.GetValue(replicas), parsed.GetValue(turns), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int days, int replicas, int turns, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var api = await OpsApi.StartAsync(clock, cancellationToken);
        var (store, database) = (new SliStore(api.Database), api.Database);
        var now = SliWindows.MinuteOf(clock.GetUtcNow());
        var traffic = new SloTraffic(turns, replicas);
        var writes = new List<double>();
        for (var age = days * Day; age > 0; age -= age <= Day ? 1 : Batch)
        {
            var minutes = Enumerable.Range(0, age <= Day ? 1 : Batch).Select(later => now.AddMinutes(later - age)).ToArray();
            for (var replica = 0; replica < replicas; replica++)
            {
                var rows = minutes.SelectMany(traffic.At).ToArray();
                var began = clock.GetTimestamp();
                await store.WriteAsync(traffic.Replicas[replica], rows, cancellationToken);
                if (minutes.Length == 1)
                {
                    writes.Add(clock.GetElapsedTime(began).TotalMilliseconds);
                }
            }
        }

        while (await store.FoldAsync(now - SliRetention.Minutes, now - SliRetention.Hours, cancellationToken) > 0)
        {
        }

        var (bytes, hour) = (0, new List<double>());
        var whole = new List<double>();
        long total = 0;
        for (var view = 0; view < Views; view++)
        {
            (var text, var ms) = await api.ReadAsync("api/ops/slo", cancellationToken);
            (bytes, total) = (text.Length, TotalOf(text));
            hour.Add(ms);
            whole.Add((await api.ReadAsync($"api/ops/slo?minutes={Day}", cancellationToken)).Ms);
        }

        var figures = new SloFigures(
            await CountAsync(database, "reliability.sli_minutes", cancellationToken),
            await CountAsync(database, "reliability.sli_hours", cancellationToken),
            await BytesAsync(database, "reliability.sli_minutes", cancellationToken),
            await BytesAsync(database, "reliability.sli_hours", cancellationToken),
            Median(writes), writes.Order().ElementAt((int)(writes.Count * 0.99)), hour[0], Median(hour), hour.Max(), Median(whole), bytes,
            total);
        Write(figures);
        await Report.WriteAsync("slo", new { days, replicas, turns }, figures, clock);

        // The newest minutes may be outside of the windows while the last one is being written.
        return total >= (days * Day - 10L) * turns * 0.9 && figures.ViewLongestMs <= TargetMs ? 0 : 1;
    }

    /// <summary>The requests of the first objective in the budget period.</summary>
    private static long TotalOf(string view)
    {
        using var slo = JsonDocument.Parse(view);
        return slo.RootElement.GetProperty("objectives")[0].GetProperty("budget").GetProperty("total").GetInt64();
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string table, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"-- count benchmark rows\nSELECT count(*) FROM {table}");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<long> BytesAsync(NpgsqlDataSource database, string table, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("-- measure benchmark table\nSELECT pg_total_relation_size($1::regclass)");
        command.Parameters.Add(new() { Value = table });
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static double Median(List<double> values) => Math.Round(values.Order().ElementAt(values.Count / 2), 2);

    private static void Write(SloFigures figures) => FiguresTable.Write(
        ("rows of minutes", Text(figures.MinuteRows)), ("rows of hours", Text(figures.HourRows)),
        ("minutes on disk with index (MiB)", Units.Text(figures.MinuteBytes / 1_048_576.0)),
        ("hours on disk with index (MiB)", Units.Text(figures.HourBytes / 1_048_576.0)),
        ("write of a minute of a replica, p50 (ms)", Units.Text(figures.WriteMs)),
        ("write of a minute of a replica, p99 (ms)", Units.Text(figures.WriteP99Ms)),
        ("first view, the first time (ms)", Units.Text(figures.ViewFirstMs)),
        ("first view, p50 (ms)", Units.Text(figures.ViewMs)), ("first view, longest (ms)", Units.Text(figures.ViewLongestMs)),
        ("view with 1 440 minutes, p50 (ms)", Units.Text(figures.WholeDayMs)),
        ("size of the view (bytes)", Text(figures.ViewBytes)),
        ("requests judged in the budget period", Text(figures.Judged)));

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>Sizes in bytes with indexes, times in ms.</summary>
/// <param name="Judged">Requests of the chat in the budget period, as the view reports them.</param>
internal sealed record SloFigures(
    long MinuteRows, long HourRows, long MinuteBytes, long HourBytes, double WriteMs, double WriteP99Ms, double ViewFirstMs, double ViewMs,
    double ViewLongestMs, double WholeDayMs, int ViewBytes, long Judged);
