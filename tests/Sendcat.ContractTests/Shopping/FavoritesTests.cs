using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Shopping;

public sealed class FavoritesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_favorite_is_added_and_removed_by_the_same_request()
    {
        var user = await UserAsync();

        var added = await ToggleAsync(user, null, "v1|1|0");
        var page = await (await user.GetAsync("/api/favorites")).JsonAsync();
        var marks = await (await user.GetAsync("/api/favorites/ids")).JsonAsync();
        var removed = await ToggleAsync(user, null, "v1|1|0");

        Assert.Equal(("added", "removed"), ((string)added["action"]!, (string)removed["action"]!));
        Assert.Equal((string)added["id"]!, (string)removed["id"]!);
        var favorite = Assert.Single(page["items"]!.AsArray())!;
        Assert.Equal(
            ("product", "v1|1|0", "Kettle v1|1|0"),
            ((string)favorite["type"]!, (string)favorite["externalId"]!, (string)favorite["item"]!["title"]!));
        Assert.Equal("v1|1|0", (string)Assert.Single(marks["items"]!.AsArray())!["externalId"]!);
        Assert.Empty((await (await user.GetAsync("/api/favorites")).JsonAsync())["items"]!.AsArray());
    }

    [Fact]
    public async Task An_item_may_be_in_several_lists_and_is_deleted_with_its_list()
    {
        var user = await UserAsync();
        var (one, two) = (await NewListAsync(user, "Kitchen"), await NewListAsync(user, "Birthday"));
        await ToggleAsync(user, one, "v1|1|0");
        await ToggleAsync(user, two, "v1|1|0");
        await ToggleAsync(user, null, "v1|1|0");

        var renamed = await (await user.PatchAsync($"/api/favorites/lists/{one}", """{"name":" Kettles "}""".AsJson())).JsonAsync();
        var lists = await (await user.GetAsync("/api/favorites/lists")).JsonAsync();
        using var deleted = await user.DeleteAsync($"/api/favorites/lists/{one}");

        Assert.Equal(("Kettles", 1), ((string)renamed["name"]!, (int)renamed["count"]!));
        Assert.Equal(["Birthday", "Kettles"], lists["items"]!.AsArray().Select(list => (string)list!["name"]!));
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(
            [null, two],
            (await (await user.GetAsync("/api/favorites")).JsonAsync())["items"]!.AsArray()
                .Select(favorite => (string?)favorite!["listId"]));
        Assert.Single((await (await user.GetAsync($"/api/favorites?listId={two}")).JsonAsync())["items"]!.AsArray());
    }

    [Fact]
    public async Task Pages_are_ordered_newest_first()
    {
        var user = await UserAsync();
        foreach (var id in Enumerable.Range(1, 5))
        {
            await ToggleAsync(user, null, $"{id}", id == 2 ? "brand" : "product");
        }

        var first = await (await user.GetAsync("/api/favorites?limit=2")).JsonAsync();
        var second = await (await user.GetAsync($"/api/favorites?limit=3&cursor={first["nextCursor"]}")).JsonAsync();
        var marks = await (await user.GetAsync("/api/favorites/ids?limit=4")).JsonAsync();

        Assert.Equal(["5", "4", "3", "2", "1"], Ids(first).Concat(Ids(second)));
        Assert.Null(second["nextCursor"]);
        Assert.Equal(["1"], Ids(await (await user.GetAsync($"/api/favorites/ids?cursor={marks["nextCursor"]}")).JsonAsync()));
        Assert.Equal(["2"], Ids(await (await user.GetAsync("/api/favorites?type=brand")).JsonAsync()));
    }

    [Fact]
    public async Task Concurrent_toggles_leave_at_most_one_favorite()
    {
        var (api, user) = (await postgres.ApiAsync(), await UserAsync());

        var toggles = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => ToggleAsync(user, null, "v1|9|0")));

        Assert.Equal(
            (5, 4),
            (toggles.Count(toggle => (string)toggle["action"]! == "added"),
                toggles.Count(toggle => (string)toggle["action"]! == "removed")));
        Assert.Single((await (await user.GetAsync("/api/favorites")).JsonAsync())["items"]!.AsArray());
        Assert.NotNull(api);
    }

    [Fact]
    public async Task A_user_cannot_read_or_change_favorites_of_another_user()
    {
        var (ann, bob) = (await UserAsync(), await UserAsync());
        var list = await NewListAsync(ann, "Secret");
        var favorite = (string)(await ToggleAsync(ann, list, "v1|1|0"))["id"]!;

        foreach (var id in new[] { list, Guid.NewGuid().ToString(), "nonsense" })
        {
            await (await bob.GetAsync($"/api/favorites?listId={id}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            await (await bob.PatchAsync($"/api/favorites/lists/{id}", """{"name":"Mine"}""".AsJson()))
                .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            Assert.Equal(HttpStatusCode.NoContent, (await bob.DeleteAsync($"/api/favorites/lists/{id}")).StatusCode);
            Assert.Equal(HttpStatusCode.NoContent, (await bob.DeleteAsync($"/api/favorites/{id}")).StatusCode);
        }

        await (await bob.PostAsJsonAsync(
            "/api/favorites/toggle",
            new { listId = list, type = "product", externalId = "1", item = new { } })).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await bob.DeleteAsync($"/api/favorites/{favorite}");
        Assert.Empty((await (await bob.GetAsync("/api/favorites")).JsonAsync())["items"]!.AsArray());
        Assert.Empty((await (await bob.GetAsync("/api/favorites/lists")).JsonAsync())["items"]!.AsArray());
        Assert.Single((await (await ann.GetAsync("/api/favorites")).JsonAsync())["items"]!.AsArray());
        Assert.Single((await (await ann.GetAsync("/api/favorites/lists")).JsonAsync())["items"]!.AsArray());
        using var removed = await ann.DeleteAsync($"/api/favorites/{favorite}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
    }

    [Fact]
    public async Task Deleting_twice_is_204()
    {
        var user = await UserAsync();
        var list = await NewListAsync(user, "Kitchen");
        var favorite = (string)(await ToggleAsync(user, list, "v1|1|0"))["id"]!;

        foreach (var path in new[] { $"/api/favorites/{favorite}", $"/api/favorites/lists/{list}" })
        {
            Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync(path)).StatusCode);
        }
    }

    [Fact]
    public async Task The_names_of_the_lists_of_a_user_differ_whatever_their_case()
    {
        var (ann, bob) = (await UserAsync(), await UserAsync());
        var kitchen = await NewListAsync(ann, "Kitchen");
        await NewListAsync(ann, "Garden");
        await NewListAsync(bob, "Kitchen");

        await (await ann.PostAsJsonAsync("/api/favorites/lists", new { name = " kitchen " }))
            .RefusedAsync(HttpStatusCode.Conflict, "conflict");
        await (await ann.PatchAsync($"/api/favorites/lists/{kitchen}", """{"name":"GARDEN"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.Conflict, "conflict");
        Assert.Equal(
            "KITCHEN",
            (string)(await (await ann.PatchAsync($"/api/favorites/lists/{kitchen}", """{"name":"KITCHEN"}""".AsJson()))
                .JsonAsync())["name"]!);
    }

    [Fact]
    public async Task A_guest_has_no_favorites_and_cannot_add_any()
    {
        var api = await postgres.ApiAsync();
        var guest = await api.GuestAsync();

        foreach (var path in new[] { "/api/favorites", "/api/favorites/ids", "/api/favorites/lists" })
        {
            Assert.Empty((await (await guest.GetAsync(path)).JsonAsync())["items"]!.AsArray());
            await (await api.Anyone.GetAsync(path)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        await (await guest.PostAsJsonAsync("/api/favorites/toggle", new { type = "product", externalId = "1", item = new { } }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await guest.PostAsJsonAsync("/api/favorites/lists", new { name = "Mine" }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"type":"thing","externalId":"1","item":{}}""")]
    [InlineData("""{"type":"product","item":{}}""")]
    [InlineData("""{"type":"product","externalId":"  ","item":{}}""")]
    [InlineData("""{"type":"product","externalId":"a\u0000b","item":{}}""")]
    [InlineData("""{"type":"product","externalId":"1"}""")]
    [InlineData("""{"type":"product","externalId":"1","item":null}""")]
    [InlineData("""{"type":"product","externalId":"1","item":"kettle"}""")]
    [InlineData("""{"type":"product","externalId":"1","item":[]}""")]
    [InlineData("""{"type":"product","externalId":"1","item":{"title":"nul\u0000"}}""")]
    [InlineData("""{"type":"product","externalId":"1","item":{"nul\u0000":1}}""")]
    [InlineData("""{"type":"product","externalId":"1","item":{"title":"half \ud83d"}}""")]
    [InlineData("""{"type":"product","externalId":"1","item":{"half \udc00":1}}""")]
    [InlineData("""{"type":"product","externalId":"1","item":{"price":[1e999999]}}""")]
    [InlineData("""{"type":"product","externalId":"1","listId":"nonsense","item":{}}""")]
    [InlineData("""{"type":"product","externalId":7,"item":{}}""")]
    [InlineData("""{"type":"product","externalId":"half \ud83d","item":{}}""", "invalid_json")]
    [InlineData("""{"type":"product" """, "invalid_json")]
    public async Task An_invalid_favorite_is_rejected(string body, string code = "invalid_request")
    {
        var user = await UserAsync();
        await (await user.PostAsync("/api/favorites/toggle", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task An_oversized_favorite_is_rejected_and_one_of_the_maximum_size_is_stored()
    {
        var user = await UserAsync();
        string Body(int id, int item) =>
            $$"""{"type":"product","externalId":"{{new string('ä', id)}}","item":{"t":"{{new string('a', item - 8)}}"} }""";

        await (await user.PostAsync("/api/favorites/toggle", Body(512, 16_384).AsJson())).JsonAsync();
        await (await user.PostAsync("/api/favorites/toggle", Body(513, 20).AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await user.PostAsync("/api/favorites/toggle", Body(1, 16_385).AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await user.PostAsync("/api/favorites/toggle", Body(1, 70_000).AsJson()))
            .RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        await (await user.PostAsync("/api/favorites/toggle", new StringContent("{}")))
            .RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=101")]
    [InlineData("?type=thing")]
    [InlineData("?type=%00")]
    [InlineData("?cursor=nonsense")]
    [InlineData("?cursor=bmV3ZXN0fDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5fDEyMw")]
    [InlineData("?cursor=Y29zdHwxfDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA")]
    public async Task Malformed_queries_are_rejected(string query)
    {
        var user = await UserAsync();
        await (await user.GetAsync($"/api/favorites{query}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("3155378975999999999")]
    public async Task A_forged_cursor_is_accepted_as_a_position(string key)
    {
        var user = await UserAsync();
        await ToggleAsync(user, null, "1");
        var cursor = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"newest|{key}|{Guid.Empty}")).TrimEnd('=');

        Assert.NotNull((await (await user.GetAsync($"/api/favorites?cursor={cursor}")).JsonAsync())["items"]);
    }

    [Theory]
    [InlineData("""{"name":""}""")]
    [InlineData("""{"name":"   "}""")]
    [InlineData("""{"name":7}""")]
    [InlineData("""{"name":"a\u0000"}""")]
    [InlineData("{}")]
    public async Task A_list_without_a_valid_name_is_rejected(string body)
    {
        var user = await UserAsync();
        await (await user.PostAsync("/api/favorites/lists", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await user.PostAsync("/api/favorites/lists", $$"""{"name":"{{new string('a', 101)}}"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static string[] Ids(JsonNode page) => [.. page["items"]!.AsArray().Select(item => (string)item!["externalId"]!)];

    private static async Task<string> NewListAsync(HttpClient user, string name) =>
        (string)(await (await user.PostAsJsonAsync("/api/favorites/lists", new { name })).JsonAsync())["id"]!;

    private static async Task<JsonNode> ToggleAsync(HttpClient user, string? listId, string externalId, string type = "product") =>
        await (await user.PostAsJsonAsync(
            "/api/favorites/toggle", new { listId, type, externalId, item = new { title = $"Kettle {externalId}" } })).JsonAsync();

    private async Task<HttpClient> UserAsync() => (await (await postgres.ApiAsync()).UserAsync($"{Guid.NewGuid():N}@example.com")).Client;
}
