using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>No address and no crowd of guests takes all slots, and turns that nobody reads make room.</summary>
public sealed class FairShareTests(SharedStores stores)
{
    private const string Slow = "[[emu chunks=4000 every=25ms]]";
    private const int Slots = 24;

    private static readonly (string, string)[] Shares =
        [("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT", "15"), ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "80"), ("TRUSTED_PROXIES", "127.0.0.0/8"), ("AUTH_CONFIRMED_DOMAINS", "example.com")];

    [Fact]
    public async Task Guests_of_one_address_cannot_take_all_slots_and_a_guest_of_another_gets_in_on_any_replica()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Shares);

        var turns = await StartAsync(sendcat, Slots, _ => "203.0.113.7");

        Assert.Equal(4, turns.Count(turn => turn.Status == HttpStatusCode.OK));
        Assert.All(turns.Where(turn => turn.Status != HttpStatusCode.OK), turn => Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limited"), (turn.Status, turn.ErrorCode)));
        for (var n = 0; n < 5; n++)
        {
            var honest = Assert.Single(await StartAsync(sendcat, 1, _ => $"198.51.100.{n}", firstReplica: n));
            Assert.Equal(HttpStatusCode.OK, honest.Status);
            await turns.DisposeAsync(honest);
        }

        await turns.DisposeAsync();
    }

    [Fact]
    public async Task Guests_of_all_addresses_together_leave_slots_to_those_who_have_signed_in()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Shares);

        var turns = await StartAsync(sendcat, Slots, n => $"203.0.113.{n}");
        using var user = await UserAsync(sendcat, "192.0.2.1");
        await using var turn = await user.ChatAsync(await user.AskingAsync("[[emu chunks=1]]"));
        await turn.ToEndAsync();

        Assert.Equal(19, turns.Count(it => it.Status == HttpStatusCode.OK));
        Assert.All(turns.Where(it => it.Status != HttpStatusCode.OK), it => Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limited"), (it.Status, it.ErrorCode)));
        Assert.Equal("done", turn.Types[^1]);
        await turns.DisposeAsync();
    }

    [Theory]
    [InlineData("BULKHEAD_OR_PRI_MAX_CONCURRENT", "100")]
    [InlineData("ADMISSION_GLOBAL_MAX_INFLIGHT", "100")]
    [InlineData("ADMISSION_GLOBAL_MAX_INFLIGHT", "40")]
    public async Task A_guests_turn_that_nobody_reads_makes_room_at_once_for_a_request_on_another_replica(string cap, string guestShare)
    {
        // Ten slots by forty per cent are four as well.
        var slots = guestShare == "100" ? "4" : "10";
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2, [("CHAT_DETACH_GRACE_MS", "600000"), (cap, slots), ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", guestShare)]);
        var left = new List<(SendcatClient Guest, string Thread)>();
        for (var n = 0; n < 4; n++)
        {
            var guest = await sendcat.GuestAsync();
            left.Add((guest, await guest.AskingAsync(Slow)));
            await using var stream = await guest.ChatAsync(left[n].Thread);
            await stream.UntilAsync("content");
        }

        using var honest = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        var thread = await honest.AskingAsync("[[emu chunks=1]]");
        await Eventually.TrueAsync(async () =>
        {
            await using var turn = await honest.ChatAsync(thread);
            return turn.Status == HttpStatusCode.OK && (await turn.ToEndAsync())[^1].GetProperty("type").GetString() == "done";
        });

        var ended = 0;
        foreach (var (guest, itsThread) in left)
        {
            ended += (await guest.MessagesAsync(itsThread)).Any(message => message.GetProperty("status").GetString() == "aborted") ? 1 : 0;
            guest.Dispose();
        }

        Assert.Equal(1, ended);
    }

    [Theory]
    [InlineData("0", HttpStatusCode.OK)]
    [InlineData("600000", HttpStatusCode.ServiceUnavailable)]
    public async Task A_users_turn_that_nobody_reads_keeps_its_slot_for_a_while(string grace, HttpStatusCode expected)
    {
        await using var sendcat = await SendcatSystem.StartAsync(
            stores, replicas: 2, [.. Shares, ("CHAT_DETACH_GRACE_MS", "600000"), ("CHAT_DETACH_GRACE_FULL_MS", grace), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1"), ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "100")]);
        using var user = await UserAsync(sendcat, "192.0.2.1");
        var thread = await user.AskingAsync(Slow);
        await using (var left = await user.ChatAsync(thread))
        {
            await left.UntilAsync("content");
        }

        using var guest = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        var asked = await guest.AskingAsync("[[emu chunks=1]]");
        if (expected == HttpStatusCode.OK)
        {
            await Eventually.TrueAsync(async () =>
            {
                await using var turn = await guest.ChatAsync(asked);
                return turn.Status == HttpStatusCode.OK;
            });
            return;
        }

        for (var n = 0; n < 5; n++)
        {
            await using var turn = await guest.ChatAsync(asked);
            await turn.Response.RefusedAsync(expected, "upstream_unavailable");
        }

        await using var back = await user.ResumeAsync(thread);
        Assert.Equal(HttpStatusCode.OK, back.Status);
    }

    [Fact]
    public async Task A_turn_whose_reader_has_come_back_makes_no_room()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, [("CHAT_DETACH_GRACE_MS", "600000"), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1")]);
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(Slow);
        await using (var left = await guest.ChatAsync(thread))
        {
            await left.UntilAsync("content");
        }

        await using var back = await guest.ResumeAsync(thread);
        await back.UntilAsync("content");

        using var other = await SendcatClient.GuestAsync(sendcat.Replicas[1].Address);
        await using var turn = await other.ChatAsync(await other.AskingAsync("hi"));
        await turn.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        await back.UntilAsync("content");
    }

    /// <summary>Turns of a guest each, begun at once on all replicas, and held.</summary>
    private static async Task<HeldTurns> StartAsync(SendcatSystem sendcat, int turns, Func<int, string> address, int firstReplica = 0)
    {
        var held = new HeldTurns();
        held.AddRange(await Task.WhenAll(Enumerable.Range(0, turns).Select(async n =>
        {
            using var guest = await SendcatClient.GuestAsync(sendcat.Replicas[(firstReplica + n) % sendcat.Replicas.Count].Address);
            var thread = await guest.AskingAsync(Slow);
            var http = new HttpClient { BaseAddress = guest.Http.BaseAddress };
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread, sessionId = guest.SessionId }) };
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
        user.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", tokens.GetProperty("accessToken").GetString());
        user.Http.DefaultRequestHeaders.Add("X-Forwarded-For", address);
        return user;
    }

    private sealed class HeldTurns : List<ChatStream>
    {
        public async ValueTask DisposeAsync(params ChatStream[] others)
        {
            foreach (var turn in others is [] ? [.. this] : others)
            {
                await turn.DisposeAsync();
            }
        }
    }
}
