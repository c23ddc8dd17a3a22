using System.Globalization;
using Npgsql;
using Sendcat.IntegrationTests.Chat;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>What a worker makes of what its upstreams say.</summary>
public sealed class WorkerAnswerTests(WorkerSystemFixture fixture) : IClassFixture<WorkerSystemFixture>
{
    private WorkerSystem System => fixture.System;

    [Fact]
    public async Task A_whole_result_holds_both_sources_keeps_to_the_budget_and_is_kept()
    {
        var slot = Slot("whole");

        var result = await System.ProductsAsync("rice cookers", slot);

        Assert.Empty(result.FailedSources);
        Assert.True(result is { EbayCount: > 0, GlobalCount: > 0 });
        Assert.Equal(result.Products.Count, result.Products.Select(product => product.Identity()).Distinct().Count());
        Assert.All(result.Products, product =>
        {
            Assert.Contains("Rice Cooker", product.Title, StringComparison.Ordinal);
            Assert.InRange(decimal.Parse(product.Price.Replace("USD ", "", StringComparison.Ordinal).TrimStart('$'), CultureInfo.InvariantCulture), 0, 60);
            Assert.StartsWith("http", product.Image, StringComparison.Ordinal);
        });
        Assert.All(result.Products.Where(product => product.Source == "ebay"), product => Assert.InRange(double.Parse(product.SellerFeedback!.TrimEnd('%'), CultureInfo.InvariantCulture), 95, 100));
        Assert.NotNull(await KeptAsync(slot));
    }

    [Theory]
    [InlineData("at=ebay/search status=400", "ebay")]
    [InlineData("at=ebay/search status=503", "ebay")]
    [InlineData("at=serper/shopping status=403", "global")]
    [InlineData("at=serper/shopping body=html", "global")]
    public async Task One_failing_source_leaves_a_partial_result_that_says_so_and_is_not_kept(string marker, string source)
    {
        var slot = Slot(marker);

        var result = await System.ProductsAsync($"kettle [[emu {marker}]]", slot);

        Assert.Equal([source], result.FailedSources);
        Assert.Equal((source == "ebay", source == "global"), (result.EbayCount == 0, result.GlobalCount == 0));
        Assert.NotEmpty(result.Products);
        Assert.Null(await KeptAsync(slot));
    }

    [Fact]
    public async Task Both_sources_refusing_is_a_failure_and_both_broken_a_dead_letter_with_its_attempts()
    {
        var refused = Assert.IsType<ToolJobOutcome.Failed>(await System.AskAsync(QueuedTool.SearchProducts.Lane, "toaster [[emu status=400]]"));
        var broken = Assert.IsType<ToolJobOutcome.Failed>(await System.AskAsync(QueuedTool.SearchProducts.Lane, "blender [[emu status=503]]"));

        Assert.Equal(("ebay_search: HTTP 400; global_search: HTTP 400", null), (refused.Error, refused.Backpressure));
        Assert.Equal(("ebay_search: HTTP 503; global_search: HTTP 503", ToolBackpressure.DeadLetter), (broken.Error, broken.Backpressure));
        Assert.Equal(1, await System.Turns.CountAsync("tool_jobs WHERE args LIKE '%toaster%' AND status = 'failed' AND attempts = 1"));
        Assert.Equal(1, await System.Turns.CountAsync("tool_jobs WHERE args LIKE '%blender%' AND status = 'dead_letter' AND attempts = 2"));
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
    public async Task Whatever_an_upstream_says_that_is_no_answer_ends_the_job_with_a_reason_that_names_it(string marker, string reason)
    {
        var failed = Assert.IsType<ToolJobOutcome.Failed>(await System.AskAsync(QueuedTool.SearchWeb.Lane, $"weather [[emu {marker}]]"));

        Assert.StartsWith($"serper_search: {reason}", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_lack_what_matters_and_answers_that_come_in_drops_are_no_failure()
    {
        var result = await System.ProductsAsync("pan [[emu junk=6]] [[emu pieces=9 every=5ms]]");

        Assert.Empty(result.FailedSources);
        Assert.True(result is { EbayCount: > 0, GlobalCount: > 0 });
        Assert.All(result.Products, product => Assert.NotEmpty(product.Url));
    }

    [Fact]
    public async Task Nothing_found_is_an_answer_that_is_not_kept()
    {
        var slot = Slot("nothing");

        var result = await System.ProductsAsync("unobtainium [[emu results=0]]", slot);

        Assert.Empty(result.Products);
        Assert.Empty(result.FailedSources);
        Assert.Null(await KeptAsync(slot));
    }

    [Fact]
    public async Task A_result_that_came_but_could_not_be_recorded_is_not_asked_for_again()
    {
        var (slot, searched) = (Slot("unrecorded"), System.Asked("ebay", "search").Completed);
        var asked = System.ProductsAsync("wok [[emu at=serper/shopping status=403]] [[emu at=ebay/search headers=500ms]]", slot);
        await System.Upstreams.Stats.WaitForAsync(stats => stats.Of("ebay", "search").Active == 1);
        await using (var record = await System.Turns.Database.OpenConnectionAsync())
        {
            // The job's row is held until the result is there; then its lease is over.
            await using var holding = await record.BeginTransactionAsync();
            await using var expire = new NpgsqlCommand("UPDATE reliability.tool_jobs SET lease_expires_at = now() - interval '1 ms' WHERE args LIKE '%wok%' RETURNING id", record);
            var job = await expire.ExecuteScalarAsync();
            await Eventually.TrueAsync(async () => await System.Turns.Get<ToolCache>().GetAsync(System.Turns.Get<ToolCacheNamespaces>().UnpersistedResults, $"{job}", CancellationToken.None) is not null);
            await holding.CommitAsync();
        }

        var result = await asked;

        Assert.Equal(["global"], result.FailedSources);
        Assert.Equal(1, await System.Turns.CountAsync("tool_jobs WHERE args LIKE '%wok%' AND status = 'completed' AND attempts = 2"));
        Assert.Equal(searched + 1, System.Asked("ebay", "search").Completed);
        Assert.Null(await KeptAsync(slot));
    }

    [Fact]
    public async Task A_turn_that_is_aborted_takes_its_upstream_calls_with_it()
    {
        using var abort = new CancellationTokenSource();
        var aborted = System.Upstreams.Stats.Snapshot().Of("serper", "search").Aborted;
        var asked = System.AskAsync(QueuedTool.SearchWeb.Lane, "iron [[emu hang=before-headers]]", cancellationToken: abort.Token);
        await System.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        await abort.CancelAsync();

        Assert.IsType<ToolJobOutcome.Cancelled>(await asked);
        await System.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search") is { Active: 0 } counts && counts.Aborted == aborted + 1);
    }

    [Fact]
    public async Task An_upstream_that_asks_for_a_moment_gets_it_and_one_that_asks_for_long_is_not_asked_again()
    {
        Assert.IsType<ToolJobOutcome.Completed>(await System.AskAsync(QueuedTool.SearchWeb.Lane, "fan [[emu status-once=429 retry-after=2]]"));
        var failed = Assert.IsType<ToolJobOutcome.Failed>(await System.AskAsync(QueuedTool.SearchWeb.Lane, "heater [[emu status=503 retry-after-date=60]]"));

        var asked = System.Upstreams.Requests.Where(request => request.Path == "/serper/search").Select(request => (request.At, Query: request.Body.GetProperty("q").GetString()!)).ToList();
        var moments = asked.Where(one => one.Query.StartsWith("fan", StringComparison.Ordinal)).Select(one => one.At).ToList();
        Assert.Equal(2, moments.Count);
        Assert.True(moments[1] - moments[0] > TimeSpan.FromSeconds(1.9), "asked again before the time it named");
        Assert.Equal(("serper_search: HTTP 503", null), (failed.Error, failed.Backpressure));
        Assert.Single(asked, one => one.Query.StartsWith("heater", StringComparison.Ordinal));
    }

    private ToolCacheNamespace Space => System.Turns.Get<ToolCacheNamespaces>().Of(QueuedTool.SearchProducts.Cache);

    private ToolJobCacheSlot Slot(string key) => new(Space.Name, ToolCacheKey.Of(key));

    private ValueTask<string?> KeptAsync(ToolJobCacheSlot slot) => System.Turns.Get<ToolCache>().GetAsync(Space, slot.Key, CancellationToken.None);
}
