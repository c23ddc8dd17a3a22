using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// What turns cost, and the budget of money per principal: its value is changed at run time, and each test has its own guest.
/// </summary>
public sealed class MoneyBudgetTests(MoneyBudgetTests.Fixture fixture) : IClassFixture<MoneyBudgetTests.Fixture>
{
    private const string Short = "[[emu chunks=1]]";
    private const string Unpriced = "nobody/knows";
    private const string Budget = "BUDGET_USD_PER_PRINCIPAL_PER_DAY";

    private SendcatSystem Sendcat => fixture.System;

    [Fact]
    public async Task Of_200_concurrent_turns_on_a_budget_for_ten_ten_call_the_provider_and_what_they_do_not_spend_is_available_again()
    {
        // One call costs at most 0.045: 4 096 tokens of answer, and the prompts of Sendcat.
        await SetBudgetAsync("0.5");
        using var guest = await Sendcat.GuestAsync();
        var before = Calls;

        var turns = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(n => guest.PostChatAsync(UseChat.Body($"c{n}", "[[emu hang=before-first]]", $"m{n}"))));

        Assert.Equal(10, turns.Count(turn => turn.Status == HttpStatusCode.OK));
        foreach (var refused in turns.Where(turn => turn.Status != HttpStatusCode.OK))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_money");
            Assert.InRange(refused.Response.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        }

        // The calls are made after the first event of each turn, which the response begins with.
        await Eventually.TrueAsync(() => Task.FromResult(Calls - before == 10));
        foreach (var turn in turns)
        {
            await turn.DisposeAsync();
        }

        // The server notices the closed connections with a delay, and no signal reports it.
        await Eventually.TrueAsync(async () =>
        {
            await using var next = await guest.PostChatAsync(UseChat.Body($"later{Guid.NewGuid():N}", Short, "m"));
            return next.Status == HttpStatusCode.OK && (await next.ReadToEndAsync())[^1].GetProperty("type").GetString() == "finish";
        });
    }

    [Fact]
    public async Task A_turn_with_several_model_calls_ends_before_the_call_that_its_budget_does_not_cover()
    {
        // The first call reasons with 2 000 tokens for 0.02; then 0.03 are left for one that may cost 0.045.
        await SetBudgetAsync("0.05");
        using var guest = await Sendcat.GuestAsync();
        var before = Calls;

        await using var turn = await guest.ChatAsync(
            await guest.NewThreadAsync("[[emu call=1 reasoning=2000 every=0 tool=get_current_time]] [[emu call=2 chunks=1]]time?"));
        var last = (await turn.ReadToEndAsync())[^1];

        Assert.Equal(("error", "rate_limited"), (last.Text("type"), last.Text("code")));
        Assert.InRange(last.GetProperty("retryAfterMs").GetInt32(), 1, 86_400_000);
        Assert.Equal(before + 1, Calls);
        Assert.InRange(await SpentAsync(turn), 20_000, 50_000);
        await using var refused = await guest.ChatAsync(await guest.NewThreadAsync(Short));
        await refused.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited", "chat_money");
    }

    [Fact]
    public async Task A_model_without_a_price_is_refused_while_a_budget_is_set_and_without_a_budget_its_cost_is_unknown()
    {
        await SetBudgetAsync("5");
        using var guest = await Sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=3 usage=none]]");
        var before = Calls;
        await using (var refused = await guest.ChatAsync(thread, Unpriced))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden", "model_price_unknown");
        }

        Assert.Equal(before, Calls);
        await SetBudgetAsync("0");
        var unpriced = (await SnapshotAsync()).GetProperty("cost").GetProperty("unpricedTurns").GetInt64();
        await using var turn = await guest.ChatAsync(thread, Unpriced);
        Assert.Equal("done", (await turn.ReadToEndAsync())[^1].Text("type"));

        Assert.True(await ScalarAsync<bool>(turn, "cost_micro_usd IS NULL AND prompt_tokens > 0 AND completion_tokens > 0"));
        var cost = (await SnapshotAsync()).GetProperty("cost");
        Assert.Equal(unpriced + 1, cost.GetProperty("unpricedTurns").GetInt64());
        var model = cost.GetProperty("byModel").EnumerateArray().Single(it => it.Text("model") == Unpriced);
        Assert.Equal(
            (0m, 1, 1),
            (model.GetProperty("usd").GetDecimal(), model.GetProperty("turns").GetInt64(), model.GetProperty("unpricedTurns").GetInt64()));
    }

    [Fact]
    public async Task The_cost_of_a_turn_is_that_of_its_calls_and_is_stored_with_its_tokens_and_stays_when_the_thread_is_deleted()
    {
        await SetBudgetAsync("0");
        using var guest = await Sendcat.GuestAsync();
        var before = Gpt5(await SnapshotAsync());
        var thread = await guest.NewThreadAsync("[[emu tool=get_current_time]]time?");
        await using var turn = await guest.ChatAsync(thread);
        await turn.ReadToEndAsync();

        var usages = turn.Events.Where(it => it.Text("type") == "usage").Select(it => it.GetProperty("usage")).ToList();
        var expected = usages.Sum(usage => (long)decimal.Ceiling(usage.GetProperty("cost").GetDecimal() * 1_000_000));
        Assert.Equal(2, usages.Count);
        Assert.Equal(expected, await SpentAsync(turn));
        Assert.Equal(usages.Sum(usage => usage.GetProperty("prompt_tokens").GetInt64()), await ScalarAsync<long>(turn, "prompt_tokens"));
        Assert.Equal(
            usages.Sum(usage => usage.GetProperty("completion_tokens").GetInt64()), await ScalarAsync<long>(turn, "completion_tokens"));

        using var deleted = await guest.Http.DeleteAsync($"/api/threads/{thread}");
        deleted.EnsureSuccessStatusCode();
        var after = Gpt5(await SnapshotAsync());
        Assert.Equal((before.Usd + (expected / 1_000_000m), before.Turns + 1, before.Calls + 2), after);
    }

    private int Calls => Sendcat.Model.Requests.Count(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal));

    private static (decimal Usd, long Turns, long Calls) Gpt5(JsonElement snapshot) =>
        snapshot.GetProperty("cost").GetProperty("byModel").EnumerateArray()
            .Where(model => model.Text("model") == "openai/gpt-5")
            .Select(
                model =>
                    (model.GetProperty("usd").GetDecimal(), model.GetProperty("turns").GetInt64(), model.GetProperty("calls").GetInt64()))
            .FirstOrDefault();

    private Task<long> SpentAsync(ChatStream turn) => ScalarAsync<long>(turn, "cost_micro_usd");

    /// <summary>A value of the session of the turn.</summary>
    private async Task<T> ScalarAsync<T>(ChatStream turn, string expression)
    {
        var stream = turn.Events[0].Text("streamId")!["STREAM:".Length..];
        return (await Sendcat.QueryScalarAsync<T>(
            string.Create(CultureInfo.InvariantCulture, $"SELECT {expression} FROM stream_sessions WHERE id = '{stream}'")))!;
    }

    private async Task SetBudgetAsync(string dollars)
    {
        using var operators = Operators();
        using var response = await operators.PutAsJsonAsync($"/api/ops/knobs/{Budget}", new { value = dollars });
        response.EnsureSuccessStatusCode();
    }

    private async Task<JsonElement> SnapshotAsync()
    {
        using var operators = Operators();
        return await operators.GetFromJsonAsync<JsonElement>("/api/ops/snapshot");
    }

    private HttpClient Operators()
    {
        var client = new HttpClient { BaseAddress = Sendcat.Api.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        client.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        return client;
    }

    /// <summary>One replica on which only the budget of money limits a guest.</summary>
    public sealed class Fixture(SharedStores stores) : IAsyncLifetime
    {
        internal SendcatSystem System { get; private set; } = null!;

        public async ValueTask InitializeAsync() => System = await SendcatSystem.StartAsync(
            stores, replicas: 1, ("CHAT_GUEST_MODELS", $"configured,{Unpriced}"), ("ADMISSION_ENFORCE_USER_INFLIGHT", "false"),
            ("RATE_LIMIT_CHAT_STREAM_MAX", "1000"), ("RATE_LIMIT_THREAD_CREATE_MAX", "1000"), ("THREADS_PER_GUEST_MAX", "1000"),
            ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1000"), ("ADMISSION_GLOBAL_MAX_INFLIGHT", "1000"),
            ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "10000"), ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "20000"),
            ("RATE_LIMIT_CHAT_TOKENS_MAX", "1000000000"), ("CHAT_DETACH_GRACE_MS", "0"), ("FF_PROVIDER_FAILOVER_ENABLED", "false"));

        public ValueTask DisposeAsync() => System.DisposeAsync();
    }
}
