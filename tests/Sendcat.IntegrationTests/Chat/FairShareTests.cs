using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Neither one address nor all guests together can hold all slots, and a detached turn gives up its slot when slots are scarce.
/// </summary>
public sealed class FairShareTests(SharedStores stores)
{
    private const string Slow = "[[emu chunks=4000 every=25ms]]";
    private const int Slots = 24;

    private static readonly (string, string)[] Shares =
    [
        ("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT", "15"), ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "80"), ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("AUTH_CONFIRMED_DOMAINS", "example.com"),
    ];

    [Fact]
    public async Task Guests_of_one_address_cannot_hold_all_slots_and_a_guest_of_another_address_is_admitted_on_any_replica()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Shares);

        var turns = await StartAsync(sendcat, Slots, _ => "203.0.113.7");

        Assert.Equal(4, turns.Count(turn => turn.Status == HttpStatusCode.OK));
        Assert.All(
            turns.Where(turn => turn.Status != HttpStatusCode.OK),
            turn => Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limited"), (turn.Status, turn.ErrorCode)));
        for (var n = 0; n < 5; n++)
        {
            var other = Assert.Single(await StartAsync(sendcat, 1, _ => $"198.51.100.{n}", firstReplica: n));
            Assert.Equal(HttpStatusCode.OK, other.Status);
            await turns.DisposeAsync(other);
        }

        await turns.DisposeAsync();
    }

    [Fact]
    public async Task Guests_of_all_addresses_together_leave_slots_for_users()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Shares);

        var turns = await StartAsync(sendcat, Slots, n => $"203.0.113.{n}");
        using var user = await UserAsync(sendcat, "192.0.2.1");
        await using var turn = await user.ChatAsync(await user.NewThreadAsync("[[emu chunks=1]]"));
        await turn.ReadToEndAsync();

        Assert.Equal(19, turns.Count(it => it.Status == HttpStatusCode.OK));
        Assert.All(
            turns.Where(it => it.Status != HttpStatusCode.OK),
            it => Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limited"), (it.Status, it.ErrorCode)));
        Assert.Equal("done", turn.Types[^1]);
        await turns.DisposeAsync();
    }

    [Theory]
    [InlineData("BULKHEAD_OR_PRI_MAX_CONCURRENT", "100")]
    [InlineData("ADMISSION_GLOBAL_MAX_INFLIGHT", "100")]
    [InlineData("ADMISSION_GLOBAL_MAX_INFLIGHT", "40")]
    public async Task A_detached_turn_of_a_guest_is_aborted_at_once_for_a_request_on_another_replica(string cap, string guestShare)
    {
        // 40 % of ten slots are four slots too.
        var slots = guestShare == "100" ? "4" : "10";
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2,
            [
                ("FF_PROVIDER_FAILOVER_ENABLED", "false"), ("CHAT_DETACH_GRACE_MS", "600000"), (cap, slots),
                ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", guestShare),
            ]);
        var detached = new List<(SendcatClient Guest, string Thread)>();
        for (var n = 0; n < 4; n++)
        {
            var guest = await sendcat.GuestAsync();
            detached.Add((guest, await guest.NewThreadAsync(Slow)));
            await using var stream = await guest.ChatAsync(detached[n].Thread);
            await stream.ReadUntilAsync("content");
        }

        using var other = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        var thread = await other.NewThreadAsync("[[emu chunks=1]]");

        // The server notices the closed connections with a delay, and no signal reports it.
        await Eventually.TrueAsync(async () =>
        {
            await using var turn = await other.ChatAsync(thread);
            return turn.Status == HttpStatusCode.OK && (await turn.ReadToEndAsync())[^1].GetProperty("type").GetString() == "done";
        });

        // The slot is free before the end of the aborted turn is committed, and no signal reports the commit to this process.
        await Eventually.TrueAsync(async () => await AbortedAsync() > 0);
        Assert.Equal(1, await AbortedAsync());
        detached.ForEach(turn => turn.Guest.Dispose());

        async Task<int> AbortedAsync()
        {
            var aborted = 0;
            foreach (var (guest, guestThread) in detached)
            {
                aborted += (await guest.MessagesAsync(guestThread)).Any(message => message.GetProperty("status").GetString() == "aborted")
                    ? 1
                    : 0;
            }

            return aborted;
        }
    }

    [Theory]
    [InlineData("0", HttpStatusCode.OK)]
    [InlineData("600000", HttpStatusCode.ServiceUnavailable)]
    public async Task A_detached_turn_of_a_user_keeps_its_slot_for_the_grace_time(string grace, HttpStatusCode expected)
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2,
            [
                .. Shares, ("FF_PROVIDER_FAILOVER_ENABLED", "false"), ("CHAT_DETACH_GRACE_MS", "600000"),
                ("CHAT_DETACH_GRACE_FULL_MS", grace), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1"), ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "100"),
            ]);
        using var user = await UserAsync(sendcat, "192.0.2.1");
        var thread = await user.NewThreadAsync(Slow);
        await using (var stream = await user.ChatAsync(thread))
        {
            await stream.ReadUntilAsync("content");
        }

        using var guest = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        var guestThread = await guest.NewThreadAsync("[[emu chunks=1]]");
        if (expected == HttpStatusCode.OK)
        {
            // The server notices the closed connection with a delay, and no signal reports it.
            await Eventually.TrueAsync(async () =>
            {
                await using var turn = await guest.ChatAsync(guestThread);
                return turn.Status == HttpStatusCode.OK;
            });
            return;
        }

        for (var n = 0; n < 5; n++)
        {
            await using var turn = await guest.ChatAsync(guestThread);
            await turn.Response.RefusedAsync(expected, "upstream_unavailable");
        }

        await using var resumed = await user.ResumeAsync(thread);
        Assert.Equal(HttpStatusCode.OK, resumed.Status);
    }

    [Fact]
    public async Task A_full_primary_route_spills_over_to_the_secondary_one_while_failover_is_on()
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2,
            [("FF_PROVIDER_FAILOVER_ENABLED", "true"), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1"), ("BULKHEAD_OR_SEC_MAX_CONCURRENT", "1")]);
        var running = new List<ChatStream>();
        var routes = new List<string?>();
        for (var n = 0; n < 2; n++)
        {
            using var guest = await SendcatClient.GuestAsync(sendcat.Replicas[n].Address);
            var turn = await guest.ChatAsync(await guest.NewThreadAsync(Slow));
            running.Add(turn);
            await turn.ReadUntilAsync("content");
            routes.Add(turn.Events.First(it => it.GetProperty("type").GetString() == "provider-route").GetProperty("routeId").GetString());
        }

        Assert.Equal(["primary", "secondary"], routes);

        using var late = await sendcat.GuestAsync();
        await using (var refused = await late.ChatAsync(await late.NewThreadAsync("hi")))
        {
            await refused.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        }

        foreach (var turn in running)
        {
            await turn.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_turn_whose_reader_resumed_keeps_its_slot()
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2,
            [("FF_PROVIDER_FAILOVER_ENABLED", "false"), ("CHAT_DETACH_GRACE_MS", "600000"), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1")]);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(Slow);
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ReadUntilAsync("content");
        }

        await using var resumed = await guest.ResumeAsync(thread);
        await resumed.ReadUntilAsync("content");

        using var other = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        await using var turn = await other.ChatAsync(await other.NewThreadAsync("hi"));
        await turn.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        await resumed.ReadUntilAsync("content");
    }

    /// <summary>Starts many turns at the same time, each of a new guest, alternating between the replicas.</summary>
    private static async Task<HeldTurns> StartAsync(SendcatSystem sendcat, int turns, Func<int, string> address, int firstReplica = 0)
    {
        var held = new HeldTurns();
        held.AddRange(await Task.WhenAll(Enumerable.Range(0, turns).Select(async n =>
        {
            using var guest = await SendcatClient.GuestAsync(sendcat.Replicas[(firstReplica + n) % sendcat.Replicas.Count].Address);
            var thread = await guest.NewThreadAsync(Slow);
            var http = new HttpClient { BaseAddress = guest.Http.BaseAddress };
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
            {
                Content = JsonContent.Create(new { threadId = thread, sessionId = guest.SessionId }),
            };
            request.Headers.Add("X-Forwarded-For", address(n));
            return new ChatStream(await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        })));
        return held;
    }

    private static async Task<SendcatClient> UserAsync(SendcatSystem sendcat, string address)
    {
        var user = await sendcat.GuestAsync();
        var account = new { email = $"{Guid.NewGuid():N}@example.com", password = "correct horse 1" };
        (await user.Http.PostAsJsonAsync("/api/auth/register", account)).EnsureSuccessStatusCode();
        var tokens = await (await user.Http.PostAsJsonAsync("/api/auth/login", account)).Content.ReadFromJsonAsync<JsonElement>();
        user.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer", tokens.GetProperty("accessToken").GetString());
        user.Http.DefaultRequestHeaders.Add("X-Forwarded-For", address);
        return user;
    }

    private sealed class HeldTurns : List<ChatStream>
    {
        /// <param name="others">The turns to close; none: all of this list.</param>
        public async ValueTask DisposeAsync(params ChatStream[] others)
        {
            foreach (var turn in others is [] ? [.. this] : others)
            {
                await turn.DisposeAsync();
            }
        }
    }
}
