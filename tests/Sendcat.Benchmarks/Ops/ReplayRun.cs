using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Sendcat.Benchmarks.Jobs;
using Sendcat.Benchmarks.Targets;
using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Ops;

/// <summary>
/// Requeues all dead letters that match, while a worker runs them. The only replica of the API and the worker are killed in the middle and
/// started again. Counts how often each letter was requeued, and how often the upstream was called for it.
/// </summary>
internal sealed class ReplayRun(SendcatApi api, HttpClient http, NpgsqlDataSource database, PlainUpstream upstream, TimeProvider clock)
{
    private const string Changes = "api/ops/tool-jobs/dead-letters/changes";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <param name="requeued">The number of letters that match.</param>
    /// <exception cref="OperationCanceledException">The letters have not ended after three minutes.</exception>
    public async Task<ReplayFigures> MeasureAsync(int requeued, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Longest);
        var worker = await Worker.StartAsync(api.Environment);
        try
        {
            var began = clock.GetTimestamp();
            var change = new { action = "requeue", arguments = "teapot", confirm = requeued };
            using (var created = await http.PostAsJsonAsync(Changes, change, timeout.Token))
            {
                created.EnsureSuccessStatusCode();
            }

            var killedAt = 0L;
            while (true)
            {
                var queued = await OpsRows.CountAsync(database, OpsRows.Replayed, timeout.Token);
                if (killedAt == 0 && queued >= requeued / 2)
                {
                    killedAt = queued;
                    worker = await RestartAsync(worker, timeout.Token);
                }

                if (queued >= requeued && await OpsRows.CountAsync(database, OpsRows.Unpublished, timeout.Token) == 0)
                {
                    break;
                }

                await Task.Delay(Poll, clock, timeout.Token);
            }

            var queuedAfter = clock.GetElapsedTime(began);
            while (await OpsRows.CountAsync(database, OpsRows.LiveReplays, timeout.Token) > 0)
            {
                await Task.Delay(Poll, clock, timeout.Token);
            }

            var changes = await http.GetFromJsonAsync<JsonElement>(Changes, timeout.Token);
            return new(Seconds(queuedAfter), Seconds(clock.GetElapsedTime(began)), killedAt)
            {
                Once = await OpsRows.CountAsync(database, OpsRows.Replayed, timeout.Token),
                MoreThanOnce = await OpsRows.CountAsync(database, OpsRows.ReplayedTwice, timeout.Token),
                Counted = changes.GetProperty("items")[0].GetProperty("changed").GetInt32(),
                Completed = await OpsRows.CountAsync(database, OpsRows.CompletedReplays, timeout.Token),
                Runs = RunFigures.Of(
                    await OpsRows.CountsAsync(database, OpsRows.AttemptsOfReplays, timeout.Token),
                    await upstream.CountQueriesAsync(timeout.Token)),
            };
        }
        finally
        {
            await worker.StopAsync();
            await worker.DisposeAsync();
        }
    }

    private async Task<TestProcess> RestartAsync(TestProcess worker, CancellationToken cancellationToken)
    {
        await worker.KillAsync();
        await worker.DisposeAsync();
        await api.RestartAsync(cancellationToken);
        return await Worker.StartAsync(api.Environment);
    }

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 1);
}

/// <param name="Seconds">Until all were queued and published.</param>
/// <param name="EndedSeconds">Until all had ended.</param>
internal sealed record ReplayFigures(double Seconds, double EndedSeconds, long QueuedAtKill)
{
    public required long Once { get; init; }

    public required long MoreThanOnce { get; init; }

    /// <summary>The letters that the change itself counted.</summary>
    public required int Counted { get; init; }

    public required long Completed { get; init; }

    public required RunFigures Runs { get; init; }

    public bool IsExact(int requeued) =>
        Once == requeued && MoreThanOnce == 0 && Counted == requeued && Runs is { NotRun: 0, RanTooOften: 0 };
}

/// <summary>Runs of requeued letters, as their upstream saw them.</summary>
/// <param name="RanAgain">Letters that ran more than once, for example because their worker was killed.</param>
/// <param name="RanTooOften">Letters with at least two runs more than their row has attempts since the requeue.</param>
internal sealed record RunFigures(long Runs, long NotRun, long RanAgain, long RanTooOften)
{
    /// <param name="attempts">The attempts of each query, from Postgres.</param>
    /// <param name="runs">The requests of each query, from the upstream.</param>
    public static RunFigures Of(IReadOnlyDictionary<string, long> attempts, IReadOnlyDictionary<string, int> runs)
    {
        var letters = attempts.Select(letter => (Attempts: letter.Value, Runs: (long)runs.GetValueOrDefault(letter.Key))).ToArray();
        return new(
            letters.Sum(letter => letter.Runs), letters.Count(letter => letter.Runs == 0), letters.Count(letter => letter.Runs > 1),
            letters.Count(letter => letter.Runs > letter.Attempts + 1));
    }
}
