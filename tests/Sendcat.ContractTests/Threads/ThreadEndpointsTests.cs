using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Threads;

public sealed class ThreadEndpointsTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task A_new_thread_is_201_with_a_location_and_reads_back_unchanged()
    {
        using var response = await Guest.PostAsJsonAsync("/api/threads", new { title = " Shoes ", modelId = "openai/gpt-5" });
        var created = await response.JsonAsync();

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal($"/api/threads/{created["id"]}", response.Headers.Location?.ToString());
        Assert.Equal("Shoes", (string)created["title"]!);
        Assert.Equal('7', ((string)created["id"]!)[14]);
        Assert.EndsWith("Z", created["createdAt"]!.ToString(), StringComparison.Ordinal);
        Assert.Null(created["sessionId"]);
        Assert.Equal(created.ToJsonString(), (await (await Guest.GetAsync($"/api/threads/{created["id"]}")).JsonAsync()).ToJsonString());
    }

    [Fact]
    public async Task The_session_id_may_be_sent_in_the_body()
    {
        var session = Guid.NewGuid().ToString();
        var created = await (await Api.Anyone.PostAsJsonAsync("/api/threads", new { sessionId = session })).JsonAsync();
        Assert.Equal(HttpStatusCode.OK, (await Api.WithSession(session).GetAsync($"/api/threads/{created["id"]}")).StatusCode);
    }

    [Fact]
    public async Task A_patch_leaves_omitted_fields_unchanged()
    {
        var id = (string)(await NewAsync("before"))["id"]!;
        await (await Guest.PatchAsJsonAsync($"/api/threads/{id}", new { isPinned = true })).JsonAsync();
        var after = await (await Guest.PatchAsJsonAsync($"/api/threads/{id}", new { title = "after", modelId = "openai/gpt-5" }))
            .JsonAsync();

        Assert.Equal(("after", "openai/gpt-5", true), ((string)after["title"]!, (string)after["modelId"]!, (bool)after["isPinned"]!));
        Assert.Equal(
            after.ToJsonString(), (await (await Guest.PatchAsync($"/api/threads/{id}", "{}".AsJson())).JsonAsync()).ToJsonString());
        await (await Guest.PatchAsync($"/api/threads/{id}", "{\"isPinned\":\"yes\"}".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_model_that_the_caller_may_not_use_cannot_be_set_on_a_thread()
    {
        var id = (string)(await NewAsync("mine"))["id"]!;

        await (await Guest.PostAsJsonAsync("/api/threads", new { modelId = "openai/o1-pro" }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await Guest.PatchAsJsonAsync($"/api/threads/{id}", new { title = "changed", modelId = "openai/o1-pro" }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");

        Assert.Equal("mine", (string)(await (await Guest.GetAsync($"/api/threads/{id}")).JsonAsync())["title"]!);
    }

    [Fact]
    public async Task A_thread_has_no_model_until_one_is_chosen_and_an_empty_one_takes_the_choice_back()
    {
        var created = await NewAsync("mine");
        Assert.Null(created["modelId"]);

        await (await Guest.PatchAsJsonAsync($"/api/threads/{created["id"]}", new { modelId = "moonshotai/kimi-k2.5" })).JsonAsync();
        Assert.Equal(
            "moonshotai/kimi-k2.5", (string)(await (await Guest.GetAsync($"/api/threads/{created["id"]}")).JsonAsync())["modelId"]!);

        Assert.Null((await (await Guest.PatchAsJsonAsync($"/api/threads/{created["id"]}", new { modelId = "" })).JsonAsync())["modelId"]);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("two words")]
    [InlineData("naïve/model")]
    public async Task Text_that_is_no_model_id_cannot_be_chosen(string modelId)
    {
        var id = (string)(await NewAsync("mine"))["id"]!;

        await (await Guest.PostAsJsonAsync("/api/threads", new { modelId })).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await Guest.PatchAsJsonAsync($"/api/threads/{id}", new { modelId }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task The_models_of_a_guest_are_the_configured_ones_with_the_default_first()
    {
        var items = (await (await Guest.GetAsync("/api/models")).JsonAsync())["items"]!.AsArray();

        Assert.Equal(
            ["openai/gpt-5", "google/gemini-2.0-flash-exp:free", "moonshotai/kimi-k2.5"],
            items.Select(model => (string)model!["id"]!));
        Assert.Equal(
            """{"id":"openai/gpt-5","name":"gpt-5","class":"agent","tools":true,"vision":true,"inputPrice":1.25,"outputPrice":10,"isDefault":true}""",
            items[0]!.ToJsonString());
        await (await Api.Anyone.GetAsync("/api/models")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task The_list_orders_pinned_then_latest_and_pages_without_gap_or_repeat()
    {
        for (var i = 0; i < 7; i++)
        {
            var thread = await NewAsync($"thread {i}");
            if (i is 1 or 4)
            {
                await Guest.PatchAsJsonAsync($"/api/threads/{thread["id"]}", new { isPinned = true });
            }
        }

        var titles = new List<string>();
        string? cursor = null;
        do
        {
            var page = await (await Guest.GetAsync($"/api/threads?limit=3&cursor={cursor}")).JsonAsync();
            titles.AddRange(page["items"]!.AsArray().Select(item => (string)item!["title"]!));
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);

        Assert.Equal(["thread 4", "thread 1", "thread 6", "thread 5", "thread 3", "thread 2", "thread 0"], titles);
    }

    [Fact]
    public async Task Search_matches_titles_case_insensitively_and_treats_wildcards_literally()
    {
        await NewAsync("Red SHOES 100%");
        await NewAsync("kettle_x");
        await NewAsync("kettle x");

        Assert.Equal(["Red SHOES 100%"], await SearchAsync("shoes"));
        Assert.Equal(["Red SHOES 100%"], await SearchAsync("100%"));
        Assert.Equal(["kettle_x"], await SearchAsync("e_x"));
        Assert.Empty(await SearchAsync(@"\"));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("limit=ten")]
    [InlineData("limit=-1")]
    [InlineData("limit=99999999999")]
    [InlineData("cursor=nonsense")]
    [InlineData("cursor=MXwxfDE")]
    [InlineData("cursor=%00")]
    [InlineData("search=%00")]
    public async Task An_invalid_query_is_an_invalid_request(string query) =>
        await (await Guest.GetAsync($"/api/threads?{query}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Deleting_a_thread_deletes_its_messages_stream_sessions_and_share_links()
    {
        var id = (string)(await NewAsync("doomed"))["id"]!;
        await Guest.PostAsJsonAsync($"/api/threads/{id}/messages", new { content = "hello" });
        await Guest.PostAsync($"/api/threads/{id}/share", null);
        await Api.ExecuteAsync(
            "insert into stream_sessions (id, thread_id, message_id, replica_id, principal, status, started_at) "
            + $"select gen_random_uuid(), '{id}', id, gen_random_uuid(), 'session:x', 'completed', now() from messages "
            + $"where thread_id = '{id}'");
        var child = await (await Guest.PostAsJsonAsync("/api/threads", new { parentThreadId = id })).JsonAsync();

        Assert.Equal(HttpStatusCode.NoContent, (await Guest.DeleteAsync($"/api/threads/{id}")).StatusCode);

        await (await Guest.GetAsync($"/api/threads/{id}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        foreach (var table in new[] { "messages", "stream_sessions", "shared_threads" })
        {
            Assert.Equal(0, await Api.ScalarAsync<long>($"select count(*) from {table} where thread_id = '{id}'"));
        }

        Assert.Null((await (await Guest.GetAsync($"/api/threads/{child["id"]}")).JsonAsync())["parentThreadId"]);
    }

    [Fact]
    public async Task A_parent_thread_must_belong_to_the_caller()
    {
        var foreign = await (await (await Api.GuestAsync()).PostAsJsonAsync("/api/threads", new { })).JsonAsync();
        foreach (var parent in new[] { (string)foreign["id"]!, "nonsense", Guid.NewGuid().ToString() })
        {
            await (await Guest.PostAsJsonAsync("/api/threads", new { parentThreadId = parent }))
                .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }
    }

    private async Task<JsonNode> NewAsync(string title) => await (await Guest.PostAsJsonAsync("/api/threads", new { title })).JsonAsync();

    private async Task<List<string>> SearchAsync(string search) =>
        [
            .. (await (await Guest.GetAsync($"/api/threads?search={Uri.EscapeDataString(search)}")).JsonAsync())["items"]!.AsArray()
                .Select(item => (string)item!["title"]!),
        ];
}
