using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Database;

namespace Sendcat.ContractTests.Threads;

/// <summary>The quotas of a principal: its threads, the messages of one thread, and the bytes it stores.</summary>
public sealed class QuotaTests(PostgresFixture postgres)
{
    private const string Miscounted = """
        select count(*) from threads t cross join lateral (
          select count(*) as messages, coalesce(sum(message_bytes(m)), 0) as bytes from messages m
          where m.thread_id = t.id and m.status is distinct from 'streaming'
        ) recounted
        where t.message_count <> recounted.messages or t.bytes <> recounted.bytes
        """;

    [Fact]
    public async Task A_guest_at_the_thread_quota_cannot_create_or_copy_threads_until_one_is_deleted()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["THREADS_PER_GUEST_MAX"] = "2", ["AUTH_CONFIRMED_DOMAINS"] = "example.com" });
        var guest = await api.GuestAsync();
        var (first, second) = (await NewThreadAsync(guest), await NewThreadAsync(guest));
        var message = await SendMessageAsync(guest, first, "question");
        var token = (string)(await (await guest.PostAsync($"/api/threads/{first}/share", null)).JsonAsync())["shareToken"]!;
        var copies = new (string Path, object Body)[]
        {
            ("/api/threads", new { }), ($"/api/threads/{first}/branch", new { messageId = message }),
            ($"/api/threads/{first}/edit", new { messageId = message, content = "else" }),
            ($"/api/threads/{first}/retry", new { messageId = message }), ($"/api/shares/{token}/fork", new { }),
        };

        foreach (var (path, body) in copies)
        {
            await (await guest.PostAsJsonAsync(path, body)).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        }

        foreach (var (path, body) in copies)
        {
            (await guest.DeleteAsync($"/api/threads/{second}")).EnsureSuccessStatusCode();
            second = (string)(await (await guest.PostAsJsonAsync(path, body)).JsonAsync())["id"]!;
        }

        var (user, _) = await api.UserAsync();
        for (var n = 0; n < 3; n++)
        {
            await NewThreadAsync(user);
        }

        Assert.Equal(0L, await api.ScalarAsync<long>(Miscounted));
    }

    [Fact]
    public async Task A_chat_that_begins_a_thread_counts_against_the_quota_and_only_then_against_the_budget_of_threads()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["THREADS_PER_GUEST_MAX"] = "1", ["RATE_LIMIT_THREAD_CREATE_MAX"] = "3" });
        var guest = await api.GuestAsync();
        var other = await api.GuestAsync();
        var bodies = new object[] { UiMessage("invented"), new { message = "hello" } };

        foreach (var body in bodies)
        {
            await (await other.PostAsJsonAsync("/api/chat", body)).RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
        }

        await NewThreadAsync(guest);
        foreach (var body in bodies)
        {
            await (await guest.PostAsJsonAsync("/api/chat", body)).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        }

        // A refused request is not counted: this one would be the fourth.
        await (await guest.PostAsJsonAsync("/api/chat", bodies[0])).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        Assert.Equal(1L, await api.ScalarAsync<long>("select count(*) from threads"));
    }

    [Fact]
    public async Task A_user_whose_address_is_not_confirmed_has_the_quotas_of_a_guest()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["THREADS_PER_GUEST_MAX"] = "1" });
        var (user, _) = await api.UserAsync();
        await NewThreadAsync(user);

        await (await user.PostAsJsonAsync("/api/threads", new { })).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
    }

    [Fact]
    public async Task A_full_thread_rejects_messages_and_turns_and_still_returns_an_existing_message()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["MESSAGES_PER_THREAD_MAX"] = "4" });
        var guest = await api.GuestAsync();
        var thread = await NewThreadAsync(guest);
        for (var n = 0; n < 3; n++)
        {
            await SendMessageAsync(guest, thread, $"message {n}", clientId: $"c{n}");
        }

        // The last of the four messages is reserved for a response of the assistant.
        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "more" }))
            .RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        Assert.Equal(
            HttpStatusCode.OK,
            (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "message 1", clientId = "c1" })).StatusCode);
        await (await guest.PostAsJsonAsync("/api/chat", new { threadId = thread }))
            .RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
        await (await guest.PostAsJsonAsync("/api/chat", UiMessage(thread))).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");

        await api.ExecuteAsync(
            "insert into messages (id, thread_id, role, content, status) "
            + $"values (gen_random_uuid(), '{thread}', 'user', 'message 3', 'completed')");
        await (await guest.PostAsJsonAsync("/api/chat", new { threadId = thread })).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");

        var last = (string)(await (await guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]![1]!["id"]!;
        (await guest.DeleteAsync($"/api/threads/{thread}/messages?after={last}")).EnsureSuccessStatusCode();
        await SendMessageAsync(guest, thread, "more");
    }

    [Fact]
    public async Task A_guest_at_the_byte_quota_cannot_add_content_until_some_is_deleted()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["BYTES_PER_GUEST_MAX"] = "65536" });
        var guest = await api.GuestAsync();
        var (thread, other) = (await NewThreadAsync(guest), await NewThreadAsync(guest));
        var message = await SendMessageAsync(guest, thread, new string('x', 30_000));
        await SendMessageAsync(guest, other, new string('x', 30_000));

        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = new string('x', 6_000) }))
            .RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/branch", new { messageId = message }))
            .RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        await (await guest.PostAsJsonAsync("/api/chat", new { threadId = thread }))
            .RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
        await SendMessageAsync(guest, thread, new string('x', 5_536));
        await (await guest.PostAsJsonAsync("/api/chat", new { threadId = thread })).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        await (await guest.PostAsJsonAsync("/api/chat", UiMessage(other))).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        await (await guest.PostAsJsonAsync("/api/chat", new { threadId = Guid.NewGuid() }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");

        (await guest.DeleteAsync($"/api/threads/{other}")).EnsureSuccessStatusCode();
        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "short" })).JsonAsync();
    }

    [Fact]
    public async Task Claiming_ignores_the_thread_quota_which_applies_afterwards()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["THREADS_PER_PRINCIPAL_MAX"] = "1", ["AUTH_CONFIRMED_DOMAINS"] = "example.com" });
        var session = (string)(await (await api.Anyone.PostAsync("/api/auth/anonymous", null)).JsonAsync())["sessionId"]!;
        var guest = api.WithSession(session);
        for (var n = 0; n < 3; n++)
        {
            await SendMessageAsync(guest, await NewThreadAsync(guest), "kept");
        }

        var (user, tokens) = await api.UserAsync(sessionId: session);

        Assert.Equal(3, (int)tokens["claimedCount"]!);
        var threads = (await (await user.GetAsync("/api/threads")).JsonAsync())["items"]!.AsArray();
        Assert.Equal(3, threads.Count);
        await SendMessageAsync(user, (string)threads[0]!["id"]!, "goes on");
        await (await user.PostAsJsonAsync("/api/threads", new { })).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
    }

    [Fact]
    public async Task Copies_are_rate_limited_by_size_per_principal_and_per_address()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["RATE_LIMIT_COPY_MAX_KIB"] = "96", ["RATE_LIMIT_COPY_WINDOW_MS"] = "3600000" });
        var owner = await api.GuestAsync();
        var thread = await NewThreadAsync(owner);
        var message = await SendMessageAsync(owner, thread, new string('x', 40_000));
        var token = (string)(await (await owner.PostAsync($"/api/threads/{thread}/share", null)).JsonAsync())["shareToken"]!;

        await (await owner.PostAsJsonAsync($"/api/threads/{thread}/branch", new { messageId = message })).JsonAsync();
        await (await owner.PostAsJsonAsync($"/api/threads/{thread}/branch", new { messageId = message }))
            .RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");

        var forks = new List<HttpStatusCode>();
        for (var n = 0; n < 12; n++)
        {
            using var fork = await (await api.GuestAsync()).PostAsJsonAsync($"/api/shares/{token}/fork", new { });
            forks.Add(fork.StatusCode);
        }

        // The address budget is 4 × 96 = 384 KiB. A copy costs about 40 KiB, so nine fit: the snapshot of the share, the branch and seven
        // forks.
        Assert.Equal(7, forks.Count(status => status == HttpStatusCode.Created));
        Assert.Equal(HttpStatusCode.TooManyRequests, forks[^1]);
    }

    [Fact]
    public async Task Stored_message_counts_and_bytes_match_a_recount_also_after_the_migration()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        var guest = await api.GuestAsync();
        var thread = await NewThreadAsync(guest);
        var message = await SendMessageAsync(guest, thread, "grüße");
        await api.ExecuteAsync(
            $"""
            insert into messages (id, thread_id, role, content, status, reasoning_content, tool_calls, products) values
              ('{Guid.NewGuid()}', '{thread}', 'assistant', 'half', 'streaming', 'thought', null, null),
                ('{Guid.NewGuid()}', '{thread}', 'assistant', 'whole', 'completed', null, '[1, 2]', '[3]')
            """);
        await (await guest.PostAsJsonAsync($"/api/threads/{thread}/branch", new { messageId = message })).JsonAsync();
        Assert.Equal(7L + 5 + 6 + 3, await api.ScalarAsync<long>($"select bytes from threads where id = '{thread}'"));
        await api.ExecuteAsync("update messages set content = 'half and more' where status = 'streaming'");
        Assert.Equal(0L, await api.ScalarAsync<long>(Miscounted));
        await api.ExecuteAsync("update messages set status = 'aborted' where status = 'streaming'");
        await api.ExecuteAsync("update messages set content = 'half and still more' where status = 'aborted'");
        Assert.Equal(0L, await api.ScalarAsync<long>(Miscounted));

        await using var scope = api.Services.CreateAsyncScope();
        var migrator = scope.ServiceProvider.GetRequiredService<SendcatDb>().GetService<IMigrator>();
        await migrator.MigrateAsync("20261125185655_ConfirmedAddresses");
        await migrator.MigrateAsync();

        Assert.Equal(0L, await api.ScalarAsync<long>(Miscounted));
        Assert.Equal(4L, await api.ScalarAsync<long>("select sum(message_count) from threads"));
        (await guest.DeleteAsync($"/api/threads/{thread}/messages?after={message}")).EnsureSuccessStatusCode();
        Assert.Equal(0L, await api.ScalarAsync<long>(Miscounted));
    }

    private static object UiMessage(string thread) =>
        new { id = thread, messages = new[] { new { id = "m", role = "user", parts = new[] { new { type = "text", text = "hi" } } } } };

    private static async Task<string> NewThreadAsync(HttpClient client) =>
        (string)(await (await client.PostAsJsonAsync("/api/threads", new { })).JsonAsync())["id"]!;

    private static async Task<string> SendMessageAsync(HttpClient client, string thread, string content, string? clientId = null) =>
        (string)(await (await client.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content, clientId })).JsonAsync())["id"]!;
}
