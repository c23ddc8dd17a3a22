using System.Globalization;
using Npgsql;
using Sendcat.IntegrationTests.Chat;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>The outcomes of jobs for complete, partial, empty and invalid responses of the upstreams.</summary>
public sealed class WorkerResultTests(WorkerSystemFixture fixture) : IClassFixture<WorkerSystemFixture>
{
    private WorkerSystem System => fixture.System;

    [Fact]
    public async Task A_complete_result_has_both_sources_respects_the_price_limit_and_is_cached()
    {
        var slot = Slot("complete");

        var result = await System.SearchProductsAsync("rice cookers", slot);

        Assert.Empty(result.FailedSources);
        Assert.True(result is { EbayCount: > 0, GlobalCount: > 0 });
        Assert.Equal(result.Products.Count, result.Products.Select(product => product.Identity()).Distinct().Count());
        Assert.All(result.Products, product =>
        {
            Assert.Contains("Rice Cooker", product.Title, StringComparison.Ordinal);
            Assert.InRange(
                decimal.Parse(product.Price.Replace("USD ", "", StringComparison.Ordinal).TrimStart('$'), CultureInfo.InvariantCulture), 0,
                60);
            Assert.StartsWith("http", product.Image, StringComparison.Ordinal);
        });
        Assert.All(
            result.Products.Where(product => product.Source == "ebay"),
            product => Assert.InRange(double.Parse(product.SellerFeedback!.TrimEnd('%'), CultureInfo.InvariantCulture), 95, 100));
        Assert.NotNull(await CachedAsync(slot));
    }

    [Theory]
    [InlineData("at=ebay/search status=400", "ebay")]
    [InlineData("at=ebay/search status=503", "ebay")]
    [InlineData("at=serper/shopping status=403", "global")]
    [InlineData("at=serper/shopping body=html", "global")]
    public async Task A_failed_source_gives_a_partial_result_that_names_it_and_is_not_cached(string marker, string source)
    {
        var slot = Slot(marker);

        var result = await System.SearchProductsAsync($"kettle [[emu {marker}]]", slot);

        Assert.Equal([source], result.FailedSources);
        Assert.Equal((source == "ebay", source == "global"), (result.EbayCount == 0, result.GlobalCount == 0));
        Assert.NotEmpty(result.Products);
        Assert.Null(await CachedAsync(slot));
    }

    [Fact]
    public async Task Two_rejecting_sources_fail_the_job_and_two_failing_sources_make_it_a_dead_letter()
    {
        var rejected = Assert.IsType<ToolJobOutcome.Failed>(
            await System.RunAsync(QueuedTool.SearchProducts.Lane, "toaster [[emu status=400]]"));
        var failed = Assert.IsType<ToolJobOutcome.Failed>(
            await System.RunAsync(QueuedTool.SearchProducts.Lane, "blender [[emu status=503]]"));

        Assert.Equal(("ebay_search: HTTP 400; global_search: HTTP 400", null), (rejected.Error, rejected.Backpressure));
        Assert.Equal(("ebay_search: HTTP 503; global_search: HTTP 503", ToolBackpressure.DeadLetter), (failed.Error, failed.Backpressure));
        Assert.Equal(1, await System.Queue.CountAsync("tool_jobs WHERE args LIKE '%toaster%' AND status = 'failed' AND attempts = 1"));
        Assert.Equal(1, await System.Queue.CountAsync("tool_jobs WHERE args LIKE '%blender%' AND status = 'dead_letter' AND attempts = 2"));
    }

    [Theory]
    [InlineData("body=bad-json", "unreadable answer")]
    [InlineData("body=empty", "unreadable answer")]
    [InlineData("body=html", "unreadable answer")]
    [InlineData("body=other-json", "not what was asked for")]
    [InlineData("cut=rst", "network error")]
    [InlineData("cut=fin", "network error")]
    [InlineData("giant=9mb", "network error (ConfigurationLimitExceeded)")]
    [InlineData("status=401", "HTTP 401")]
    public async Task An_invalid_response_of_an_upstream_fails_the_job_with_a_specific_reason(string marker, string reason)
    {
        var failed = Assert.IsType<ToolJobOutcome.Failed>(await System.RunAsync(QueuedTool.SearchWeb.Lane, $"weather [[emu {marker}]]"));

        Assert.StartsWith($"serper_search: {reason}", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Incomplete_rows_and_slow_split_responses_are_no_failure()
    {
        var result = await System.SearchProductsAsync("pan [[emu junk=6]] [[emu pieces=9 every=5ms]]");

        Assert.Empty(result.FailedSources);
        Assert.True(result is { EbayCount: > 0, GlobalCount: > 0 });
        Assert.All(result.Products, product => Assert.NotEmpty(product.Url));
    }

    [Fact]
    public async Task An_empty_result_is_returned_and_not_cached()
    {
        var slot = Slot("empty");

        var result = await System.SearchProductsAsync("unobtainium [[emu results=0]]", slot);

        Assert.Empty(result.Products);
        Assert.Empty(result.FailedSources);
        Assert.Null(await CachedAsync(slot));
    }

    [Fact]
    public async Task A_result_that_could_not_be_committed_is_not_requested_again()
    {
        var (slot, searches) = (Slot("uncommitted"), System.Requests("ebay", "search").Completed);
        var search = System.SearchProductsAsync("wok [[emu at=serper/shopping status=403]] [[emu at=ebay/search headers=500ms]]", slot);
        await System.Upstreams.Stats.WaitForAsync(stats => stats.Of("ebay", "search").Active == 1);
        await using (var connection = await System.Queue.Database.OpenConnectionAsync())
        {
            // The transaction locks the row of the job until the worker has the result, and expires the lease.
            await using var transaction = await connection.BeginTransactionAsync();
            await using var expire = new NpgsqlCommand(
                "UPDATE reliability.tool_jobs SET lease_expires_at = now() - interval '1 ms' WHERE args LIKE '%wok%' RETURNING id",
                connection);
            var job = await expire.ExecuteScalarAsync();

            // The worker stores the result in Redis without a signal.
            var results = System.Queue.Get<ToolCacheNamespaces>().UnpersistedResults;
            await Eventually.TrueAsync(
                async () => await System.Queue.Get<ToolCache>().GetAsync(results, $"{job}", CancellationToken.None) is not null);
            await transaction.CommitAsync();
        }

        var result = await search;

        Assert.Equal(["global"], result.FailedSources);
        Assert.Equal(1, await System.Queue.CountAsync("tool_jobs WHERE args LIKE '%wok%' AND status = 'completed' AND attempts = 2"));
        Assert.Equal(searches + 1, System.Requests("ebay", "search").Completed);
        Assert.Null(await CachedAsync(slot));
    }

    [Fact]
    public async Task An_aborted_turn_aborts_its_upstream_requests()
    {
        using var abort = new CancellationTokenSource();
        var aborted = System.Upstreams.Stats.Snapshot().Of("serper", "search").Aborted;
        var run = System.RunAsync(QueuedTool.SearchWeb.Lane, "iron [[emu hang=before-headers]]", cancellationToken: abort.Token);
        await System.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        await abort.CancelAsync();

        Assert.IsType<ToolJobOutcome.Cancelled>(await run);
        await System.Upstreams.Stats.WaitForAsync(
            stats => stats.Of("serper", "search") is { Active: 0 } counts && counts.Aborted == aborted + 1);
    }

    [Fact]
    public async Task A_short_retry_after_is_honoured_and_a_long_one_ends_the_retries()
    {
        Assert.IsType<ToolJobOutcome.Completed>(
            await System.RunAsync(QueuedTool.SearchWeb.Lane, "fan [[emu status-once=429 retry-after=2]]"));
        var failed = Assert.IsType<ToolJobOutcome.Failed>(
            await System.RunAsync(QueuedTool.SearchWeb.Lane, "heater [[emu status=503 retry-after-date=60]]"));

        var requests = System.Upstreams.Requests
            .Where(request => request.Path == "/serper/search")
            .Select(request => (request.At, Query: request.Body.GetProperty("q").GetString()!))
            .ToList();
        var times = requests.Where(request => request.Query.StartsWith("fan", StringComparison.Ordinal)).Select(request => request.At)
            .ToList();
        Assert.Equal(2, times.Count);
        Assert.True(times[1] - times[0] > TimeSpan.FromSeconds(1.9), "retried before the time of Retry-After");
        Assert.Equal(("serper_search: HTTP 503", null), (failed.Error, failed.Backpressure));
        Assert.Single(requests, request => request.Query.StartsWith("heater", StringComparison.Ordinal));
    }

    private ToolCacheNamespace Space => System.Queue.Get<ToolCacheNamespaces>().Of(QueuedTool.SearchProducts.Cache);

    private ToolJobCacheSlot Slot(string key) => new(Space.Name, ToolCacheKey.Of(key));

    private ValueTask<string?> CachedAsync(ToolJobCacheSlot slot) =>
        System.Queue.Get<ToolCache>().GetAsync(Space, slot.Key, CancellationToken.None);
}
