using System.CommandLine;
using System.Globalization;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>
/// Measures durable jobs per second from end to end, the start latency of an idle queue, and the cost of each step in Postgres.
/// </summary>
internal static class JobsBenchmark
{
    private const double TargetPerSecond = 1000;
    private const double TargetStartP99Ms = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(15);

    public static Command Command()
    {
        var jobs = new Option<int>("--jobs") { Description = "jobs per measured load", DefaultValueFactory = _ => 15_000 };
        var idle = new Option<int>("--idle") { Description = "jobs requested one at a time", DefaultValueFactory = _ => 600 };
        var atOnce = new Option<int[]>("--at-once")
        {
            Description = "concurrent turns",
            DefaultValueFactory = _ => [64, 256],
            AllowMultipleArgumentsPerToken = true,
        };
        var workers = new Option<int>("--workers") { Description = "worker processes", DefaultValueFactory = _ => 1 };
        var record = new Option<int>("--record")
        {
            Description = "jobs to measure the cost in Postgres; 0: not measured",
            DefaultValueFactory = _ => 4_000,
        };
        var settings = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE for client and workers",
            DefaultValueFactory = _ => [],
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("jobs", "Durable tool jobs end to end, with real workers and an upstream that responds at once.")
        {
            jobs,
            idle,
            atOnce,
            workers,
            record,
            settings,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(jobs), parsed.GetValue(idle), parsed.GetValue(atOnce)!, parsed.GetValue(workers), parsed.GetValue(record),
            JobsSettings.MaxCaps.With(parsed.GetValue(settings)!), TimeProvider.System,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        int jobs, int idle, int[] atOnce, int workers, int postgresJobs, IReadOnlyDictionary<string, string?> settings, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 200);
        Console.WriteLine($"{workers} worker(s), upstream: responds at once with fixed results; {settings.Text()}");
        var costs = new List<PostgresCost>();
        if (postgresJobs > 0)
        {
            await using var withoutWorkers = await JobsSetup.StartAsync(settings, workers: 0, TimeSpan.Zero, cancellationToken);
            foreach (var callers in new[] { 16, 1, 64 })
            {
                // The first measurement is the warm-up and is removed below.
                costs.Add(await PostgresCost.MeasureAsync(
                    withoutWorkers.Get<ToolJobLedger>(), withoutWorkers.Get<ToolJobLeases>(), callers,
                    callers == 1 ? postgresJobs / 4 : postgresJobs, clock, cancellationToken));
            }

            costs.RemoveAt(0);
        }

        await using var setup = await JobsSetup.StartAsync(settings, workers, TimeSpan.Zero, cancellationToken);
        await LoadAsync(setup, 64, Math.Min(jobs, 6_000), clock, cancellationToken);
        await AnalyzeAsync(setup.Database, cancellationToken);
        var start = await IdleAsync(setup, idle, clock, cancellationToken);
        var loads = new List<LoadResult>();
        foreach (var turns in atOnce)
        {
            loads.Add(await LoadAsync(setup, turns, jobs, clock, cancellationToken));
        }

        Print(costs, start, loads);
        await Report.WriteAsync(
            "jobs", new { jobs, idle, atOnce, workers, record = postgresJobs, settings }, new { costs, idle = start, loads }, clock);
        return loads.All(load => load.Failed == 0)
            && loads.Max(load => load.JobsPerSecond) >= TargetPerSecond
            && start.StartP99Ms <= TargetStartP99Ms ? 0 : 1;
    }

    /// <summary>
    /// Updates the statistics. Autovacuum does it within a minute after the first jobs. Until then Postgres makes and caches plans for an
    /// empty table.
    /// </summary>
    private static async Task AnalyzeAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("ANALYZE reliability.tool_jobs, reliability.tool_outbox");
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<LoadResult> LoadAsync(
        JobsSetup setup, int atOnce, int jobs, TimeProvider clock, CancellationToken cancellationToken)
    {
        var load = new JobLoad(setup.Client, clock);
        var (cpu, began) = (setup.Cpu(), clock.GetTimestamp());
        var since = await NowAsync(setup.Database, cancellationToken);
        await load.RunAsync(atOnce, jobs, LaneOf, cancellationToken);
        var (took, after) = (clock.GetElapsedTime(began), setup.Cpu());
        var start = await StartsAsync(setup.Database, since, cancellationToken);
        return new(
            atOnce, jobs, load.Failed + load.Refused.TotalCount, Math.Round(jobs / took.TotalSeconds), load.Completed.Ms(50),
            load.Completed.Ms(99), start.P50, start.P99,
            after.ToDictionary(it => it.Key, it => Math.Round((it.Value - cpu[it.Key]) / jobs * 1000, 3)));
    }

    private static async Task<IdleResult> IdleAsync(JobsSetup setup, int jobs, TimeProvider clock, CancellationToken cancellationToken)
    {
        var load = new JobLoad(setup.Client, clock);
        var since = await NowAsync(setup.Database, cancellationToken);
        for (var number = 0; number < jobs; number++)
        {
            await load.RunJobAsync(LaneOf(number), number, $"user:{number % 97}", cancellationToken);
            await Task.Delay(Pause, clock, cancellationToken);
        }

        var start = await StartsAsync(setup.Database, since, cancellationToken);
        return new(jobs, start.P50, start.P99, load.Completed.Ms(50), load.Completed.Ms(99));
    }

    /// <summary>The lane of a job: of ten jobs, six search the web, three products and one globally.</summary>
    private static ToolLane LaneOf(int number) =>
        (number % 10) switch { < 6 => QueuedTool.SearchWeb.Lane, < 9 => QueuedTool.SearchProducts.Lane, _ => QueuedTool.SearchGlobal.Lane };

    private static async Task<DateTimeOffset> NowAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT clock_timestamp()");
        return new((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
    }

    /// <summary>The time from the insert of a job until a worker leases it, by the clock of Postgres (ms).</summary>
    private static async Task<(double P50, double P99)> StartsAsync(
        NpgsqlDataSource database, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at) * 1000) FROM reliability.tool_jobs WHERE created_at >= $1");
        command.Parameters.Add(new() { Value = since });
        var percentiles = (double[])(await command.ExecuteScalarAsync(cancellationToken))!;
        return (Math.Round(percentiles[0], 3), Math.Round(percentiles[1], 3));
    }

    private static void Print(IReadOnlyList<PostgresCost> costs, IdleResult idle, IReadOnlyList<LoadResult> loads)
    {
        var load = new Table()
            .Border(TableBorder.Markdown)
            .AddColumns("turns at once", "jobs/s", "completed p50 ms", "p99 ms", "entered→started p50 ms", "p99 ms", "failed");
        foreach (var it in loads)
        {
            load.AddRow([.. new[]
            {
                it.AtOnce, it.JobsPerSecond, it.AnsweredP50Ms, it.AnsweredP99Ms, it.StartP50Ms, it.StartP99Ms, it.Failed,
            }.Select(Units.Text)]);
        }

        var cpu = new Table()
            .Title("CPU-s per 1000 jobs")
            .Border(TableBorder.Markdown)
            .AddColumn("turns at once")
            .AddColumns([.. loads[0].CpuPer1000.Keys])
            .AddColumn("all");
        foreach (var it in loads)
        {
            cpu.AddRow([
                it.AtOnce.ToString(CultureInfo.InvariantCulture), .. it.CpuPer1000.Values.Select(value => Units.Text(value)),
                Units.Text(Math.Round(it.CpuPer1000.Values.Sum(), 3))]);
        }

        var postgres = new Table().Title("Postgres alone").Border(TableBorder.Markdown)
            .AddColumns(
                "callers", "entered/s", "enter p50 ms", "p99", "leased/s", "lease of 20 p50 ms", "p99", "finished/s", "finish p50 ms",
                "p99");
        foreach (var it in costs)
        {
            postgres.AddRow([.. new[]
            {
                it.AtOnce, it.EnteredPerSecond, it.EnterP50Ms, it.EnterP99Ms, it.ClaimedPerSecond, it.ClaimP50Ms, it.ClaimP99Ms,
                it.FinishedPerSecond, it.FinishP50Ms, it.FinishP99Ms,
            }.Select(Units.Text)]);
        }

        AnsiConsole.Write(load);
        AnsiConsole.Write(cpu);
        if (costs.Count > 0)
        {
            AnsiConsole.Write(postgres);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Idle, {idle.Jobs} jobs one at a time: entered→started p50 {idle.StartP50Ms} ms, p99 {idle.StartP99Ms} ms; "
            + $"requested→completed p50 {idle.AnsweredP50Ms} ms, p99 {idle.AnsweredP99Ms} ms."));
    }

    /// <param name="Jobs">The number of jobs.</param>
    /// <param name="StartP50Ms">The median time from the insert of a job until a worker leases it (ms).</param>
    /// <param name="StartP99Ms">The 99th percentile of the same time (ms).</param>
    /// <param name="AnsweredP50Ms">The median time from the request to the result (ms).</param>
    /// <param name="AnsweredP99Ms">The 99th percentile of the same time (ms).</param>
    private sealed record IdleResult(int Jobs, double StartP50Ms, double StartP99Ms, double? AnsweredP50Ms, double? AnsweredP99Ms);

    private sealed record LoadResult(
        int AtOnce, int Jobs, long Failed, double JobsPerSecond, double? AnsweredP50Ms, double? AnsweredP99Ms, double StartP50Ms,
        double StartP99Ms, IReadOnlyDictionary<string, double> CpuPer1000);
}
