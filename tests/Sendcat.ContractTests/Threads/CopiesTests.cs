using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Threads;

/// <summary>Copies of a thread: share links with forks, branches, edits and retries.</summary>
public sealed class CopiesTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private HttpClient _owner = null!;
    private string _thread = "";
    private List<JsonNode> _messages = [];

    /// <summary>
    /// Creates a thread with the messages system, question one, (tool call), tool, answer one, question two, half (streaming).
    /// </summary>
    private protected override async Task PrepareAsync()
    {
        (_owner, _) = await Api.UserAsync($"copies-{Guid.NewGuid():N}@example.com");
        _thread = (string)(await (await _owner.PostAsJsonAsync("/api/threads", new { title = "Shoes" })).JsonAsync())["id"]!;
        await Api.ExecuteAsync(
            $$$"""
            insert into messages (id, thread_id, role, content, status, tool_calls, tool_call_id, products) values
              (gen_random_uuid(), '{{{_thread}}}', 'system', 'a secret prompt', 'completed', null, null, null),
              (gen_random_uuid(), '{{{_thread}}}', 'user', 'question one', 'completed', null, null, null),
              (gen_random_uuid(), '{{{_thread}}}', 'assistant', '', 'completed', '[{"id":"c1","type":"function","function":{"name":"search_web","arguments":"{}"}}]', null, null),
              (gen_random_uuid(), '{{{_thread}}}', 'tool', 'raw results', 'completed', null, 'c1', null),
              (gen_random_uuid(), '{{{_thread}}}', 'assistant', 'answer one', 'completed', null, null, '[{"id":"p1"}]'),
              (gen_random_uuid(), '{{{_thread}}}', 'user', 'question two', 'completed', null, null, null),
              (gen_random_uuid(), '{{{_thread}}}', 'assistant', 'half', 'streaming', null, null, null)
            """);
        _messages = await MessagesAsync(_owner, _thread);
    }

    [Fact]
    public async Task A_share_link_lets_any_principal_fork_the_visible_messages()
    {
        var token = await ShareAsync();
        Assert.Equal(token, await ShareAsync());
        var guest = await Api.GuestAsync();

        using var response = await guest.PostAsync($"/api/shares/{token}/fork", "{}".AsJson());
        var copy = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(
            ("Shoes", _thread, _thread), ((string)copy["title"]!, (string)copy["parentThreadId"]!, (string)copy["sharedFromThreadId"]!));
        var copied = await MessagesAsync(guest, (string)copy["id"]!);
        Assert.Equal(["question one", "answer one", "question two"], copied.Select(m => (string)m["content"]!));
        Assert.Equal("p1", (string)copied[1]["products"]![0]!["id"]!);
        await (await _owner.GetAsync($"/api/threads/{copy["id"]}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task A_second_fork_of_the_same_caller_is_the_first_one_until_that_is_deleted()
    {
        var token = await ShareAsync();
        var guest = await Api.GuestAsync();

        var forks = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => guest.PostAsync($"/api/shares/{token}/fork", null)));
        var ids = await Task.WhenAll(forks.Select(async fork => (string)(await fork.JsonAsync())["id"]!));
        using var legacy = await guest.PostAsync($"/api/shares/share_{token}/fork", null);
        await guest.DeleteAsync($"/api/threads/{ids[0]}");
        using var again = await guest.PostAsync($"/api/shares/{token}/fork", null);
        using var other = await (await Api.GuestAsync()).PostAsync($"/api/shares/{token}/fork", null);

        Assert.Single(ids.Distinct(StringComparer.Ordinal));
        Assert.Single(forks, fork => fork.StatusCode == HttpStatusCode.Created);
        Assert.Equal((HttpStatusCode.OK, ids[0]), (legacy.StatusCode, (string)(await legacy.JsonAsync())["id"]!));
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (again.StatusCode, other.StatusCode));
    }

    [Fact]
    public async Task The_thread_says_whether_it_is_shared_and_the_link_can_be_read()
    {
        await (await _owner.GetAsync($"/api/threads/{_thread}/share")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        Assert.False(await IsSharedAsync());

        var created = await (await _owner.PostAsync($"/api/threads/{_thread}/share", null)).JsonAsync();
        var read = await (await _owner.GetAsync($"/api/threads/{_thread}/share")).JsonAsync();
        var url = new Uri((string)read["url"]!);

        Assert.True(await IsSharedAsync());
        Assert.Equal(created.ToJsonString(), read.ToJsonString());
        Assert.Equal((false, false), ((bool)read["includesReasoning"]!, (bool)read["includesAttachments"]!));
        Assert.Equal("Shoes", (string)(await (await Api.Anyone.GetAsync(url)).JsonAsync())["title"]!);

        async Task<bool> IsSharedAsync()
        {
            var one = (bool)(await (await _owner.GetAsync($"/api/threads/{_thread}")).JsonAsync())["isShared"]!;
            Assert.Equal(one, (bool)(await (await _owner.GetAsync("/api/threads")).JsonAsync())["items"]![0]!["isShared"]!);
            return one;
        }
    }

    [Fact]
    public async Task The_link_leads_to_the_application_where_its_address_is_configured()
    {
        await using var api = await SendcatApi.StartAsync(Postgres, new() { ["APP_URL"] = "https://sendcat.example/" });
        var guest = await api.GuestAsync();
        var thread = (string)(await (await guest.PostAsync("/api/threads", null)).JsonAsync())["id"]!;

        var link = await (await guest.PostAsync($"/api/threads/{thread}/share", null)).JsonAsync();

        Assert.Equal($"https://sendcat.example/share/{link["shareToken"]}", (string)link["url"]!);
    }

    [Fact]
    public async Task A_share_shows_the_messages_of_the_moment_of_sharing_until_it_is_updated()
    {
        var token = await ShareAsync();
        await _owner.PatchAsJsonAsync($"/api/threads/{_thread}", new { title = "Private" });
        await _owner.DeleteAsync($"/api/threads/{_thread}/messages?after={Id("question one")}");
        await _owner.PostAsJsonAsync($"/api/threads/{_thread}/messages", new { content = "written later" });
        await ShareAsync();

        var before = await SharedAsync(token);
        var copy = await (await (await Api.GuestAsync()).PostAsync($"/api/shares/{token}/fork", null)).JsonAsync();
        await _owner.PostAsJsonAsync($"/api/threads/{_thread}/share", new { update = true });
        var after = await SharedAsync(token);

        Assert.Equal(["question one", "answer one", "question two"], Contents(before));
        Assert.Equal(("Shoes", "Shoes", "Private"), ((string)before["title"]!, (string)copy["title"]!, (string)after["title"]!));
        Assert.Equal(["question one", "written later"], Contents(after));
    }

    [Fact]
    public async Task Reasoning_and_attachments_are_shared_only_where_the_owner_chose_it()
    {
        await Api.ExecuteAsync(
            $$$"""
            update messages set reasoning_content = 'private thoughts' where thread_id = '{{{_thread}}}' and content = 'answer one';
            update messages set attachments = '[{"storageId":"f-1","type":"image/png","name":"shoe.png","size":10,"sha256":"00"}]' where thread_id = '{{{_thread}}}' and content = 'question two'
            """);
        var token = await ShareAsync();

        var plain = (await SharedAsync(token))["items"]!.AsArray();
        await _owner.PostAsJsonAsync(
            $"/api/threads/{_thread}/share", new { update = true, includeReasoning = true, includeAttachments = true });
        var full = (await SharedAsync(token))["items"]!.AsArray();

        Assert.All(plain, message => Assert.Null(message!["reasoningContent"] ?? message["attachments"]));
        Assert.Equal(
            ("private thoughts", "shoe.png"), ((string)full[1]!["reasoningContent"]!, (string)full[2]!["attachments"]![0]!["name"]!));
        Assert.Null(full[2]!["attachments"]![0]!["sha256"]);
    }

    [Fact]
    public async Task A_share_is_read_in_pages_without_an_identity_and_not_after_it_is_revoked()
    {
        var token = await ShareAsync();

        var first = await (await Api.Anyone.GetAsync($"/api/shares/{token}?limit=2")).JsonAsync();
        var second = await (await Api.Anyone.GetAsync($"/api/shares/{token}?limit=2&cursor={first["nextCursor"]}")).JsonAsync();
        await (await Api.Anyone.GetAsync($"/api/shares/{token}?cursor=x")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await _owner.DeleteAsync($"/api/threads/{_thread}/share");

        Assert.Equal(["question one", "answer one", "question two"], Contents(first).Concat(Contents(second)));
        Assert.Null(second["nextCursor"]);
        await (await Api.Anyone.GetAsync($"/api/shares/{token}")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task A_fork_requires_an_identity() =>
        await (await Api.Anyone.PostAsync($"/api/shares/{await ShareAsync()}/fork", "{}".AsJson()))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task A_fork_of_an_untitled_thread_is_titled_Shared_chat()
    {
        await Api.ExecuteAsync($"update threads set title = null where id = '{_thread}'");
        var copy = await (await (await Api.GuestAsync()).PostAsync($"/api/shares/{await ShareAsync()}/fork", "{}".AsJson())).JsonAsync();
        Assert.Equal("Shared chat", (string)copy["title"]!);
    }

    [Fact]
    public async Task Revoked_unknown_and_malformed_share_links_are_404_and_a_new_link_differs()
    {
        var token = await ShareAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await _owner.DeleteAsync($"/api/threads/{_thread}/share")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await _owner.DeleteAsync($"/api/threads/{_thread}/share")).StatusCode);

        var guest = await Api.GuestAsync();
        foreach (var link in new[] { token, Guid.NewGuid().ToString(), "share_", "a%20b", new string('x', 500) })
        {
            await (await guest.PostAsync($"/api/shares/{link}/fork", "{}".AsJson())).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        }

        Assert.NotEqual(token, await ShareAsync());
    }

    [Fact]
    public async Task Concurrent_share_requests_return_one_link() =>
        Assert.Single((await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => ShareAsync()))).Distinct(StringComparer.Ordinal));

    [Fact]
    public async Task A_branch_contains_the_messages_up_to_its_message_and_has_the_original_thread_as_parent()
    {
        var branch = await ComposeAsync("branch", new { messageId = Id("answer one") });
        var again = await (await _owner.PostAsJsonAsync(
            $"/api/threads/{branch["id"]}/branch",
            new { messageId = (await MessagesAsync(_owner, (string)branch["id"]!))[0]["id"] })).JsonAsync();

        Assert.Equal(
            ["question one", "", "raw results", "answer one"],
            (await MessagesAsync(_owner, (string)branch["id"]!)).Select(m => (string)m["content"]!));
        Assert.Equal("question one", (string)branch["title"]!);
        Assert.Equal(_thread, (string)branch["parentThreadId"]!);
        Assert.Equal(_thread, (string)again["parentThreadId"]!);
        Assert.Null(branch["sharedFromThreadId"]);
    }

    [Fact]
    public async Task A_branch_keeps_tool_calls_with_all_their_results()
    {
        var call = (string)_messages.Single(m => m["toolCalls"] is not null)["id"]!;

        var branch = await ComposeAsync("branch", new { messageId = call });
        var copied = await MessagesAsync(_owner, (string)branch["id"]!);

        Assert.Equal(["user", "assistant", "tool"], copied.Select(m => (string)m["role"]!));
        Assert.Equal(("c1", "c1"), ((string)copied[1]["toolCalls"]![0]!["id"]!, (string)copied[2]["toolCallId"]!));
    }

    [Fact]
    public async Task An_edit_replaces_a_user_message_in_a_copy_of_the_thread()
    {
        var content = "question two, but asked in quite another way than before";
        var edited = await ComposeAsync("edit", new { messageId = Id("question two"), content });
        var copied = await MessagesAsync(_owner, (string)edited["id"]!);

        Assert.Equal(["question one", "", "raw results", "answer one", content], copied.Select(m => (string)m["content"]!));
        Assert.Equal((string)copied[^1]["id"]!, (string)edited["messageId"]!);
        Assert.Equal(content[..40], (string)edited["title"]!);
        await (await _owner.PostAsJsonAsync($"/api/threads/{_thread}/edit", new { messageId = Id("answer one"), content }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await _owner.PostAsJsonAsync($"/api/threads/{_thread}/edit", new { messageId = Id("question two"), content = " " }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("question one")]
    [InlineData("answer one")]
    public async Task A_retry_copies_the_thread_up_to_the_user_message(string content)
    {
        var retried = await ComposeAsync("retry", new { messageId = Id(content) });
        var copied = Assert.Single(await MessagesAsync(_owner, (string)retried["id"]!));
        Assert.Equal(("user", "question one"), ((string)copied["role"]!, (string)copied["content"]!));
    }

    [Theory]
    [InlineData("branch")]
    [InlineData("retry")]
    public async Task A_message_that_is_not_in_the_thread_is_not_found(string composition)
    {
        foreach (var messageId in new[] { Guid.NewGuid().ToString(), "nonsense", null })
        {
            await (await _owner.PostAsJsonAsync($"/api/threads/{_thread}/{composition}", new { messageId }))
                .RefusedAsync(HttpStatusCode.NotFound, "not_found");
        }
    }

    [Fact]
    public async Task A_message_without_an_earlier_user_message_cannot_be_retried() =>
        await (await _owner.PostAsJsonAsync($"/api/threads/{_thread}/retry", new { messageId = Id("a secret prompt") }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    private async Task<string> ShareAsync() =>
        (string)(await (await _owner.PostAsync($"/api/threads/{_thread}/share", null)).JsonAsync())["shareToken"]!;

    private async Task<JsonNode> SharedAsync(string token) => await (await Api.Anyone.GetAsync($"/api/shares/{token}")).JsonAsync();

    private static IEnumerable<string> Contents(JsonNode page) => page["items"]!.AsArray().Select(message => (string)message!["content"]!);

    private async Task<JsonNode> ComposeAsync(string composition, object body) =>
        await (await _owner.PostAsJsonAsync($"/api/threads/{_thread}/{composition}", body)).JsonAsync();

    private string Id(string content) => (string)_messages.Single(m => (string)m["content"]! == content)["id"]!;

    private static async Task<List<JsonNode>> MessagesAsync(HttpClient client, string thread) =>
        [
            .. (await (await client.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray()
                .Select(item => item!.DeepClone()),
        ];
}
