using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Threads;

/// <summary>Who can access a thread, and how a user claims the threads of a session.</summary>
public sealed class ThreadAccessTests(PostgresFixture postgres) : SharedApiTests(postgres)
{

    public static TheoryData<string, string, string?> Endpoints => new()
    {
        { "GET", "", null },
        { "PATCH", "", """{"title":"mine now"}""" },
        { "DELETE", "", null },
        { "GET", "/messages", null },
        { "POST", "/messages", """{"content":"hello"}""" },
        { "GET", "/messages/0199b1a0-0000-7000-8000-000000000001", null },
        { "DELETE", "/messages?after=0199b1a0-0000-7000-8000-000000000001", null },
        { "POST", "/share", null },
        { "GET", "/share", null },
        { "DELETE", "/share", null },
        { "POST", "/branch", """{"messageId":"0199b1a0-0000-7000-8000-000000000001"}""" },
        { "POST", "/edit", """{"messageId":"0199b1a0-0000-7000-8000-000000000001","content":"x"}""" },
        { "POST", "/retry", """{"messageId":"0199b1a0-0000-7000-8000-000000000001"}""" },
        { "GET", "/export", null },
    };

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Foreign_missing_and_malformed_thread_ids_get_the_same_answer(string method, string path, string? body)
    {
        var (owner, _) = await Api.UserAsync($"owner-{Guid.NewGuid():N}@example.com");
        var users = await ThreadAsync(owner);
        var guests = await ThreadAsync(await Api.GuestAsync());
        var otherGuest = await Api.GuestAsync();
        var (otherUser, _) = await Api.UserAsync($"other-{Guid.NewGuid():N}@example.com");

        var responses = new HashSet<string>(StringComparer.Ordinal);
        foreach (var client in new[] { otherGuest, otherUser })
        {
            foreach (var id in new[]
            {
                users, guests, Guid.NewGuid().ToString(), "malformed", "'; drop table threads", users.ToUpperInvariant() + "x",
                users.Replace("-", "", StringComparison.Ordinal),
            })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), $"/api/threads/{Uri.EscapeDataString(id)}{path}")
                {
                    Content = body?.AsJson(),
                };
                responses.Add(await (await client.SendAsync(request)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
            }
        }

        Assert.Matches(@"^\[forbidden:[a-zA-Z.]+\] ", Assert.Single(responses));
        Assert.Equal(1, await Api.ScalarAsync<long>($"select count(*) from threads where id = '{users}' and title is null"));
        Assert.Equal(0, await Api.ScalarAsync<long>($"select count(*) from messages where thread_id in ('{users}', '{guests}')"));
    }

    [Fact]
    public async Task A_claimed_thread_is_forbidden_to_the_session_that_created_it()
    {
        var guest = await Api.GuestAsync();
        var thread = await ThreadAsync(guest);
        var session = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        var (user, tokens) = await Api.UserAsync("claims-at-login@example.com", sessionId: session);

        Assert.Equal(1, (int)tokens["claimedCount"]!);
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync($"/api/threads/{thread}")).StatusCode);
        await (await guest.GetAsync($"/api/threads/{thread}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Sign_in_with_a_session_claims_its_threads_and_registration_does_not()
    {
        var guest = await Api.GuestAsync();
        var thread = await ThreadAsync(guest);
        var sessionId = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        (await Api.Anyone.PostAsJsonAsync(
            "/api/auth/register", new { email = "stays@example.com", password = "correct horse 1", sessionId })).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.OK, (await guest.GetAsync($"/api/threads/{thread}")).StatusCode);
        var (user, _) = await Api.UserAsync("stays@example.com", sessionId: sessionId);

        var list = await (await user.GetAsync("/api/threads")).JsonAsync();
        Assert.Equal(thread, (string)Assert.Single(list["items"]!.AsArray())!["id"]!);
    }

    [Fact]
    public async Task A_claimed_thread_loses_a_client_id_that_another_thread_of_the_user_has()
    {
        var guest = await Api.GuestAsync();
        var (claimed, kept) = (await ThreadAsync(guest), await ThreadAsync(guest));
        var sessionId = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        var (user, _) = await Api.UserAsync("claims-client-ids@example.com");
        var own = await ThreadAsync(user);
        await Api.ExecuteAsync($"update threads set client_id = 'twice' where id in ('{claimed}', '{own}')");
        await Api.ExecuteAsync($"update threads set client_id = 'once' where id = '{kept}'");

        var count = await (await user.PostAsJsonAsync("/api/threads/claim", new { sessionId })).JsonAsync();

        Assert.Equal(2, (int)count["claimedCount"]!);
        Assert.Equal(own, (string)(await (await user.GetAsync("/api/threads/twice")).JsonAsync())["id"]!);
        Assert.Equal(kept, (string)(await (await user.GetAsync("/api/threads/once")).JsonAsync())["id"]!);
        Assert.Null((await (await user.GetAsync($"/api/threads/{claimed}")).JsonAsync())["clientId"]);
    }

    [Fact]
    public async Task Claiming_requires_a_user_and_a_valid_session_and_skips_owned_threads()
    {
        var guest = await Api.GuestAsync();
        await ThreadAsync(guest);
        await ThreadAsync(guest);
        var sessionId = guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        var (first, _) = await Api.UserAsync("first-claims@example.com");
        var (second, _) = await Api.UserAsync("second-claims@example.com");

        await (await guest.PostAsJsonAsync("/api/threads/claim", new { sessionId }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await first.PostAsJsonAsync("/api/threads/claim", new { sessionId = sessionId.Split('.')[0] }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        var claimed = await (await first.PostAsJsonAsync("/api/threads/claim", new { sessionId })).JsonAsync();
        var late = await (await second.PostAsJsonAsync("/api/threads/claim", new { sessionId })).JsonAsync();

        Assert.Equal(2, (int)claimed["claimedCount"]!);
        Assert.Equal(0, (int)late["claimedCount"]!);
    }

    private static async Task<string> ThreadAsync(HttpClient client) =>
        (string)(await (await client.PostAsJsonAsync("/api/threads", new { })).JsonAsync())["id"]!;
}
