using System.Net;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Shopping;

public sealed class CategoryTests(PostgresFixture postgres)
{
    /// <summary>Inserts the category rows that the worker stores after it has fetched the tree.</summary>
    public const string Tree = """
        insert into reliability.ebay_categories (marketplace_id, category_id, category_name, normalized_name, parent_id, path, leaf,
          fetched_at) values
            ('EBAY_US', '10', 'Home & Garden', 'home garden', null, 'Home & Garden', false, now()),
            ('EBAY_US', '20', 'Antiques', 'antiques', null, 'Antiques', true, now()),
            ('EBAY_US', '12', 'Toasters', 'toasters', '10', 'Home & Garden > Toasters', true, now()),
            ('EBAY_US', '11', 'Kettles', 'kettles', '10', 'Home & Garden > Kettles', true, now()),
            ('EBAY_US', '13', 'Kettles', 'kettles', '10', 'Home & Garden > Kettles', true, now()),
            ('EBAY_GB', '30', 'Elsewhere', 'elsewhere', null, 'Elsewhere', true, now())
        """;

    [Fact]
    public async Task Children_are_listed_by_name_page_by_page()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        await api.ExecuteAsync(Tree);
        var guest = await api.GuestAsync();

        Assert.Equal(["20", "10"], Ids(await ListAsync(guest, "")));
        Assert.Equal(["11", "13", "12"], Ids(await ListAsync(guest, "?parentId=10")));
        Assert.Empty(Ids(await ListAsync(guest, "?parentId=11")));

        var first = await ListAsync(guest, "?parentId=10&limit=1");
        var second = await ListAsync(guest, $"?parentId=10&limit=1&cursor={first["nextCursor"]}");
        var third = await ListAsync(guest, $"?parentId=10&limit=1&cursor={second["nextCursor"]}");
        Assert.Equal(["11", "13", "12"], Ids(first).Concat(Ids(second)).Concat(Ids(third)));
        Assert.Null(third["nextCursor"]);
    }

    [Fact]
    public async Task A_category_is_found_by_its_id()
    {
        await using var api = await SendcatApi.StartAsync(postgres);
        await api.ExecuteAsync(Tree);
        var guest = await api.GuestAsync();

        var kettles = await (await guest.GetAsync("/api/shopping/categories/11")).JsonAsync();

        Assert.Equal(
            """{"id":"11","name":"Kettles","parentId":"10","path":"Home \u0026 Garden \u003E Kettles","leaf":true}""",
            kettles.ToJsonString());
        await (await guest.GetAsync("/api/shopping/categories/30")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("?parentId=ten")]
    [InlineData("?cursor=ten")]
    [InlineData("?cursor=%00")]
    [InlineData("?limit=0")]
    [InlineData("?limit=201")]
    [InlineData("/ten")]
    [InlineData("/1%202")]
    public async Task Malformed_queries_are_rejected(string query)
    {
        var api = await postgres.ApiAsync();
        await (await (await api.GuestAsync()).GetAsync($"/api/shopping/categories{query}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static async Task<JsonNode> ListAsync(HttpClient guest, string query) =>
        await (await guest.GetAsync($"/api/shopping/categories{query}")).JsonAsync();

    private static string[] Ids(JsonNode page) => [.. page["items"]!.AsArray().Select(item => (string)item!["id"]!)];
}
