using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using Npgsql;
using Sendcat.Benchmarks.Jobs;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Spectre.Console;

namespace Sendcat.Benchmarks.Ops;

/// <summary>
/// Measures the search of many dead letters, and a requeue of all that match while a worker runs them and both the only replica of the API
/// and the worker are killed and started again: the time until all are queued and published, how often each was requeued, and how often it
/// ran.
/// </summary>
internal static class DlqBenchmark
{
    private const string Operator = "the operator key of this benchmark";
    private const string Letters = "api/ops/tool-jobs/dead-letters";
    private const int LeaseMs = 5_000;
    private const double SearchTargetMs = 300;
    private const double RequeueTargetSeconds = 60;

    /// <summary>What an operator searches for: each filter alone and combined, a frequent and a rare one, and nothing that matches.</summary>
    private static readonly string[] Searches =
    [
        "", "tool=search_web", "fingerprint=0123456789ab", "principal=user:17", "arguments=kettle", "arguments=kettle%2012345", "arguments=teapot", "arguments=nothing",
        "tool=search_global&arguments=kettle", "principal=user:17&arguments=kettle", "diedBefore={middle}", "diedAfter={middle}&tool=search_web",
    ];

    public static Command Command()
    {
        var letters = new Option<int>("--letters") { Description = "dead letters", DefaultValueFactory = _ => 100_000 };
        var requeued = new Option<int>("--requeued") { Description = "dead letters that are requeued", DefaultValueFactory = _ => 10_000 };
        var rate = new Option<int>("--rate") { Description = "TOOL_JOB_REPLAY_PER_SEC", DefaultValueFactory = _ => 500 };
        var command = new Command("dlq", "Dead letters: searches, and a requeue of all that match with a killed replica.") { letters, requeued, rate };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(letters), parsed.GetValue(requeued), parsed.GetValue(rate), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int letters, int requeued, int rate, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var upstream = await PlainUpstream.StartAsync(TimeSpan.Zero, countsQueries: true);
        var settings = JobsSettings.MaxCaps.Concat(upstream.Settings).Select(setting => $"{setting.Key}={setting.Value}");
        await using var api = await SendcatApi.StartAsync(
            new Uri("http://127.0.0.1:1/"),
            [
                .. settings, "OPS_API_KEY=" + Operator, string.Create(CultureInfo.InvariantCulture, $"TOOL_JOB_REPLAY_PER_SEC={rate}"),
                string.Create(CultureInfo.InvariantCulture, $"TOOL_JOB_LEASE_MS={LeaseMs}"),
            ],
            cancellationToken);
        await using var database = NpgsqlDataSource.Create(api.Database);
        await OpsRows.InsertAsync(database, OpsRows.Letters, letters, cancellationToken, requeued);
        using var http = new HttpClient { BaseAddress = api.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Operator);
        http.DefaultRequestHeaders.Add("x-sendcat-reason", "a benchmark");
        var lists = await MeasureAsync(http, $"{Letters}?limit=50&", clock, cancellationToken);
        var counts = await MeasureAsync(http, $"{Letters}/count?", clock, cancellationToken);
        var replay = await new ReplayRun(api, http, database, upstream, clock).MeasureAsync(requeued, cancellationToken);
        var figures = new DlqFigures(letters, lists, counts, replay);
        Write(figures);
        await Report.WriteAsync("dlq", new { letters, requeued, rate }, figures, clock);
        return lists.Concat(counts).All(search => search.P95Ms <= SearchTargetMs) && replay.IsExact(requeued) && replay.Seconds <= RequeueTargetSeconds ? 0 : 1;
    }

    private static async Task<List<SearchFigures>> MeasureAsync(HttpClient http, string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        const int Reads = 40;
        var middle = Uri.EscapeDataString(clock.GetUtcNow().AddHours(-12).UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        var figures = new List<SearchFigures>();
        foreach (var search in Searches)
        {
            var times = new List<double>();
            for (var read = 0; read < Reads; read++)
            {
                var began = clock.GetTimestamp();
                await http.GetStringAsync(path + search.Replace("{middle}", middle, StringComparison.Ordinal), cancellationToken);
                times.Add(Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 2));
            }

            times.Sort();
            figures.Add(new(search, times[Reads / 2], times[(int)(Reads * 0.95)]));
        }

        return figures;
    }

    private static void Write(DlqFigures figures)
    {
        var searches = new Table { Border = TableBorder.Markdown }.AddColumns("search", "list p50 (ms)", "list p95 (ms, target ≤ 300)", "count p50 (ms)", "count p95 (ms)");
        foreach (var (list, count) in figures.Lists.Zip(figures.Counts))
        {
            searches.AddRow(
                list.Search.Length == 0 ? "(all)" : Markup.Escape(list.Search), Units.Text(list.P50Ms), Units.Text(list.P95Ms), Units.Text(count.P50Ms), Units.Text(count.P95Ms));
        }

        AnsiConsole.Write(searches);
        var (replay, runs) = (figures.Replay, figures.Replay.Runs);
        FiguresTable.Write(
            ("all queued and published after (s, target ≤ 60)", Units.Text(replay.Seconds)),
            ("requeued when the API and the worker were killed", Text(replay.QueuedAtKill)),
            ("requeued once, more than once (target 0)", $"{Text(replay.Once)}, {Text(replay.MoreThanOnce)}"),
            ("counted by the change", Text(replay.Counted)),
            ("all ended after (s)", Units.Text(replay.EndedSeconds)),
            ("completed", Text(replay.Completed)),
            ("runs, letters that ran again", $"{Text(runs.Runs)}, {Text(runs.RanAgain)}"),
            ("not run, more than one run beyond the attempts (targets 0)", $"{Text(runs.NotRun)}, {Text(runs.RanTooOften)}"));
    }

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

internal sealed record DlqFigures(int Letters, IReadOnlyList<SearchFigures> Lists, IReadOnlyList<SearchFigures> Counts, ReplayFigures Replay);

internal sealed record SearchFigures(string Search, double P50Ms, double P95Ms);
