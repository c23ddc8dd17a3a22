using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ContractTests.Webhooks;

/// <summary>The inbox of webhooks on a real database. Each test has a scope of its own. No worker runs.</summary>
public sealed class WebhookInboxTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private readonly InboxScope _scope = new($"test-{Guid.NewGuid():N}"[..20], TimeSpan.FromDays(7));

    private WebhookInbox Inbox => Api.Services.GetRequiredService<WebhookInbox>();

    [Fact]
    public async Task A_thousand_concurrent_copies_of_one_delivery_have_one_job()
    {
        var receipts = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => Task.Run(() => Inbox.ReceiveAsync(Entry("wamid.1")))));

        Assert.Single(receipts, receipt => receipt.Outcome is InboxOutcome.Claimed);
        Assert.Equal(Enumerable.Range(1, 1_000), receipts.Select(receipt => receipt.Hits).Order());
        Assert.Equal((1L, 1L, 1_000L), (await JobsAsync(), await AnnouncedAsync(), await HitsAsync()));
    }

    [Fact]
    public async Task Entries_of_one_delivery_are_claimed_each_by_its_own_key()
    {
        await Inbox.ReceiveAsync(Entry("b"));

        var receipts = await Inbox.ReceiveAsync([Entry("a"), Entry("b"), Entry("c"), Entry("a")]);

        Assert.Equal(
            [InboxOutcome.Claimed, InboxOutcome.Replayed, InboxOutcome.Claimed, InboxOutcome.Replayed],
            receipts.Select(receipt => receipt.Outcome));
        Assert.Equal(3L, await JobsAsync());
    }

    [Theory]
    [InlineData("dead_letter", InboxOutcome.Retried)]
    [InlineData("failed", InboxOutcome.Retried)]
    [InlineData("completed", InboxOutcome.Replayed)]
    [InlineData("running", InboxOutcome.Replayed)]
    public async Task A_redelivery_is_processed_when_its_job_has_failed(string status, InboxOutcome expected)
    {
        await Inbox.ReceiveAsync(Entry("key"));
        await Api.ExecuteAsync(
            $"UPDATE reliability.tool_jobs SET status = '{status}', args = '{{}}', attempts = 5, "
                + $"completed_at = now(), expires_at = now() WHERE principal = '{_scope.Name}'");

        var receipt = await Inbox.ReceiveAsync(Entry("key"));

        Assert.Equal((expected, 2), (receipt.Outcome, receipt.Hits));
        Assert.Equal(
            expected is InboxOutcome.Retried ? """queued 0 {"to":1} 2""" : $$"""{{status}} 5 {} 1""",
            await Api.ScalarAsync<string>(
                "SELECT status || ' ' || attempts || ' ' || args || ' ' || (SELECT count(*) FROM reliability.tool_outbox o "
                    + $"WHERE o.job_id = j.id) FROM reliability.tool_jobs j WHERE principal = '{_scope.Name}'"));
    }

    [Fact]
    public async Task A_coalescing_entry_has_no_job_while_another_one_of_its_principal_is_queued()
    {
        await Inbox.ReceiveAsync([Entry("1") with { Coalesces = true }, Entry("2") with { Coalesces = true }]);
        await Inbox.ReceiveAsync(Entry("3") with { Coalesces = true });
        Assert.Equal(1L, await JobsAsync());

        await Api.ExecuteAsync($"UPDATE reliability.tool_jobs SET status = 'running' WHERE principal = '{_scope.Name}'");
        var afterStart = await Inbox.ReceiveAsync(Entry("4") with { Coalesces = true });

        Assert.Equal((InboxOutcome.Claimed, 2L), (afterStart.Outcome, await JobsAsync()));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public async Task A_coalescing_entry_makes_a_postponed_job_due_and_not_one_that_waits_after_a_failure(int attempts, bool isDue)
    {
        await Inbox.ReceiveAsync(Entry("1") with { Coalesces = true });
        await Api.ExecuteAsync(
            $"UPDATE reliability.tool_jobs SET attempts = {attempts}, available_at = now() + INTERVAL '1 hour' "
                + $"WHERE principal = '{_scope.Name}'");

        var receipt = await Inbox.ReceiveAsync(Entry("2") with { Coalesces = true });

        Assert.Equal((InboxOutcome.Claimed, 1L, isDue ? 2L : 1L), (receipt.Outcome, await JobsAsync(), await AnnouncedAsync()));
        Assert.Equal(isDue, await Api.ScalarAsync<bool>(
            $"SELECT available_at <= now() FROM reliability.tool_jobs WHERE principal = '{_scope.Name}'"));
    }

    [Fact]
    public async Task An_expired_key_is_new_and_is_deleted_by_the_clean_up()
    {
        await Inbox.ReceiveAsync(Entry("key"));
        await ExpireAsync();
        var again = await Inbox.ReceiveAsync(Entry("key"));
        Assert.Equal((InboxOutcome.Claimed, 1, 2L), (again.Outcome, again.Hits, await JobsAsync()));

        await Inbox.CleanUpAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1L, await HitsAsync());
        await ExpireAsync();
        Assert.True(await Inbox.CleanUpAsync(TestContext.Current.CancellationToken) >= 1);

        Assert.Equal(0L, await HitsAsync());
    }

    [Fact]
    public async Task A_hit_does_not_extend_the_lifetime_of_a_key()
    {
        await Inbox.ReceiveAsync(Entry("key"));
        var expiry = await ExpiryAsync();

        await Inbox.ReceiveAsync(Entry("key"));

        Assert.Equal(expiry, await ExpiryAsync());
    }

    [Fact]
    public async Task An_effect_that_fails_leaves_its_key_unclaimed()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => Inbox.ReceiveAsync(_scope, "key", _ => throw new InvalidOperationException(), cancellation));
        var applied = 0;

        var first = await Inbox.ReceiveAsync(_scope, "key", Apply, cancellation);
        var second = await Inbox.ReceiveAsync(_scope, "key", Apply, cancellation);

        Assert.Equal((InboxOutcome.Claimed, InboxOutcome.Replayed, 1), (first.Outcome, second.Outcome, applied));

        Task Apply(Sendcat.Reliability.Database.BoundedConnection connection)
        {
            applied++;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Operators_list_the_keys_of_a_scope_by_their_digests()
    {
        foreach (var key in new[] { "first", "ann@example.com:7", "last" })
        {
            await Inbox.ReceiveAsync(Entry(key));
        }

        await Inbox.ReceiveAsync(Entry("ann@example.com:7"));
        var operators = Api.WithBearer(SendcatApi.OpsKey);

        var page = await (await operators.GetAsync($"/api/ops/replay-keys?scope={_scope}&limit=2")).JsonAsync();
        var next = await (await operators.GetAsync($"/api/ops/replay-keys?scope={_scope}&limit=2&cursor={page["nextCursor"]}")).JsonAsync();
        var one = await (await operators.GetAsync($"/api/ops/replay-keys?scope={_scope}&key=ann%40example.com%3A7")).JsonAsync();

        Assert.Equal(
            new[] { "last", "ann@example.com:7", "first" }.Select(InboxScope.DigestOf), [.. KeysOf(page), .. KeysOf(next)]);
        Assert.Equal((2, "queued"), ((int)one["items"]![0]!["hits"]!, (string)one["items"]![0]!["jobStatus"]!));
        await (await operators.GetAsync("/api/ops/replay-keys")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await Guest.GetAsync($"/api/ops/replay-keys?scope={_scope}")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private InboxEntry Entry(string key) =>
        new(_scope, key, new JobEntry(Guid.CreateVersion7(), QueuedWork.Deliveries.Lane, _scope.Name, """{"to":1}""", 3));

    private Task<long> JobsAsync() =>
        Api.ScalarAsync<long>($"SELECT count(*) FROM reliability.tool_jobs WHERE principal = '{_scope.Name}'");

    private Task<long> AnnouncedAsync() => Api.ScalarAsync<long>(
        "SELECT count(*) FROM reliability.tool_outbox WHERE job_id IN (SELECT id FROM reliability.tool_jobs "
            + $"WHERE principal = '{_scope.Name}')");

    private Task<long> HitsAsync() =>
        Api.ScalarAsync<long>($"SELECT coalesce(sum(hit_count), 0) FROM reliability.webhook_inbox WHERE scope = '{_scope.Name}'");

    private Task<DateTime> ExpiryAsync() =>
        Api.ScalarAsync<DateTime>($"SELECT expires_at FROM reliability.webhook_inbox WHERE scope = '{_scope.Name}'");

    private Task ExpireAsync() =>
        Api.ExecuteAsync($"UPDATE reliability.webhook_inbox SET expires_at = now() - interval '1 second' WHERE scope = '{_scope.Name}'");

    private static IEnumerable<string> KeysOf(JsonNode page) => page["items"]!.AsArray().Select(item => (string)item!["keyDigest"]!);
}
