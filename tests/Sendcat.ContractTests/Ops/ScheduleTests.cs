using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Schedule;
using Sendcat.Reliability.Snapshot;
using Sendcat.ToolWorker.Schedule;

namespace Sendcat.ContractTests.Ops;

/// <summary>The jobs that the workers run at intervals, and what operators see and do.</summary>
public sealed class ScheduleTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task One_of_several_workers_runs_a_due_job_and_operators_see_it_and_run_it_now()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = SendcatApi.OpsKey });
        var (runs, requested) = (0, 0);
        ScheduledJob[] jobs = [new("count-runs", "Counts its runs.", Hour, (isRequested, _) =>
        {
            requested += isRequested ? 1 : 0;
            return Task.FromResult(new ScheduledResult($"run {Interlocked.Increment(ref runs)}", Changed: true));
        })];
        var workers = Enumerable.Range(0, 4).Select(_ => Worker(api, jobs)).ToArray();

        await RunAsync(workers);
        await RunAsync(workers);

        var job = await ReadAsync(api);
        Assert.Equal(
            (1, "succeeded", "run 1", 3600, false),
            (runs, (string)job["lastOutcome"]!, (string)job["lastResult"]!, (double)job["everySeconds"]!, (bool)job["running"]!));
        Assert.True((DateTimeOffset)job["nextRunAt"]! > (DateTimeOffset)job["lastEndedAt"]!);
        using var accepted = await Ops(api).PostAsync("/api/ops/schedule/count-runs/run", null);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        await RunAsync(workers);
        Assert.Equal((2, 1), (runs, requested));
        await (await Ops(api).PostAsync("/api/ops/schedule/none/run", null)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await api.Anyone.GetAsync("/api/ops/schedule")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal("schedule.run", await api.ScalarAsync<string>("SELECT action FROM reliability.operator_audit"));
    }

    [Fact]
    public async Task A_failed_run_is_tried_again_earlier_and_the_job_of_a_dead_worker_is_taken_over()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = SendcatApi.OpsKey });
        var fails = true;
        ScheduledJob[] jobs =
        [
            new(
                "sometimes", "Fails at first.", Hour,
                (_, _) =>
                    fails ? throw new InvalidOperationException("a secret") : Task.FromResult(new ScheduledResult("done", Changed: false))),
        ];
        Scheduler[] workers = [Worker(api, jobs)];

        await RunAsync(workers);

        var job = await ReadAsync(api);
        Assert.Equal(
            ("failed", nameof(InvalidOperationException), 1),
            ((string)job["lastOutcome"]!, (string)job["lastResult"]!, (int)job["failures"]!));
        Assert.InRange(
            (DateTimeOffset)job["nextRunAt"]! - (DateTimeOffset)job["lastEndedAt"]!, TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(61));

        // A worker has claimed it and died: nobody renews the lease.
        fails = false;
        var store = new ScheduleStore(api.Database);
        await api.ExecuteAsync("UPDATE reliability.scheduled_jobs SET next_run_at = now()");
        var dead = (await store.ClaimAsync(["sometimes"], "dead", TimeSpan.FromMinutes(1), CancellationToken.None))!;
        await RunAsync(workers);
        Assert.True((bool)(await ReadAsync(api))["running"]!);
        await api.ExecuteAsync("UPDATE reliability.scheduled_jobs SET lease_until = now() - INTERVAL '1 second'");
        await RunAsync(workers);
        await store.EndAsync(dead, isSuccess: false, "late", _ => Hour, CancellationToken.None);

        job = await ReadAsync(api);
        Assert.Equal(("succeeded", "done", 0), ((string)job["lastOutcome"]!, (string)job["lastResult"]!, (int)job["failures"]!));
        Assert.False(await store.RenewAsync(dead, Hour, CancellationToken.None));
    }

    [Fact]
    public async Task A_drained_worker_starts_no_scheduled_job_and_another_one_does()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = SendcatApi.OpsKey });
        var runs = new List<string>();
        using var drain = new Drain();
        drain.Begin();
        var (drained, other) = (Worker(api, [Job("drained")], drain), Worker(api, [Job("other")]));

        await RunAsync([drained]);
        Assert.Empty(runs);
        await RunAsync([drained, other]);
        Assert.Equal(["other"], runs);

        drain.End();
        await api.ExecuteAsync("UPDATE reliability.scheduled_jobs SET next_run_at = now()");
        await RunAsync([drained]);
        Assert.Equal(["other", "drained"], runs);

        ScheduledJob Job(string worker) => new("sometimes", "A test.", Hour, (_, _) =>
        {
            runs.Add(worker);
            return Task.FromResult(new ScheduledResult("done", Changed: false));
        });
    }

    private static Scheduler Worker(SendcatApi api, ScheduledJob[] jobs, Drain? drain = null) =>
        new(
            jobs, new(api.Database), drain ?? new(), TimeProvider.System, api.Services.GetRequiredService<StoreOutages>(),
            NullLogger<Scheduler>.Instance);

    private static async Task RunAsync(Scheduler[] workers)
    {
        await Task.WhenAll(workers.Select(worker => worker.StartDueAsync(CancellationToken.None)));
        await Task.WhenAll(workers.Select(worker => worker.DrainAsync()));
    }

    [Fact]
    public async Task Expired_rows_of_accounts_and_messages_are_deleted_and_others_stay()
    {
        await using var api = await SendcatApi.StartAsync(postgres, []);
        await api.ExecuteAsync(
            """
            INSERT INTO registration_mails (address, mailed_at, asked_at)
                SELECT 'a' || n, now() - INTERVAL '23 hours' * n, now() - INTERVAL '23 hours' * n FROM generate_series(1, 2) n;
            INSERT INTO undeliverable_addresses (digest, complained, reported_at)
                SELECT 'd' || n, FALSE, now() - INTERVAL '29 days' * n FROM generate_series(1, 6000) n;
            INSERT INTO undeliverable_addresses (digest, complained, delivered, reported_at)
                SELECT 'e' || n, FALSE, TRUE, now() - INTERVAL '2 days' * n FROM generate_series(1, 2) n;
            INSERT INTO whatsapp_statuses (message_id, state, updated_at)
                SELECT 'm' || n, 1, now() - INTERVAL '29 days' * n FROM generate_series(1, 3) n
            """);
        var rows = new ExpiredRows(api.Database, TimeProvider.System);

        var identities = await rows.DeleteOfIdentitiesAsync(CancellationToken.None);
        var messages = await rows.DeleteOfMessagesAsync(CancellationToken.None);

        Assert.Equal(("6001 deleted", "2 deleted"), (identities.Text, messages.Text));
        Assert.True(identities.Changed && messages.Changed);
        Assert.Equal("a1", await api.ScalarAsync<string>("SELECT address FROM registration_mails"));
        Assert.Equal("d1 e1", await api.ScalarAsync<string>("SELECT string_agg(digest, ' ' ORDER BY digest) FROM undeliverable_addresses"));
        Assert.Equal("m1", await api.ScalarAsync<string>("SELECT message_id FROM whatsapp_statuses"));
        Assert.False((await rows.DeleteOfIdentitiesAsync(CancellationToken.None)).Changed);
    }

    private static async Task<JsonNode> ReadAsync(SendcatApi api) =>
        Assert.Single((await (await Ops(api).GetAsync("/api/ops/schedule")).JsonAsync())["items"]!.AsArray())!;

    private static HttpClient Ops(SendcatApi api) => api.WithBearer(SendcatApi.OpsKey);
}
