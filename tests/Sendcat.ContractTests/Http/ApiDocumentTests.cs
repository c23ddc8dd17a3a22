using System.Net;

namespace Sendcat.ContractTests.Http;

public sealed class ApiDocumentTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_operation_has_an_id_a_summary_and_its_responses()
    {
        var api = await postgres.ApiAsync();
        var document = await (await api.WithBearer(SendcatApi.OpsKey).GetAsync("/openapi/v1.json")).JsonAsync();

        var operations = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (Name: $"{operation.Key} {path.Key}", Node: operation.Value!))).ToList();
        Assert.Contains(operations, operation => operation.Name == "post /api/threads/{id}/messages");
        Assert.All(operations, operation =>
        {
            Assert.False(string.IsNullOrWhiteSpace((string?)operation.Node["operationId"]), operation.Name);
            Assert.False(string.IsNullOrWhiteSpace((string?)operation.Node["summary"]), operation.Name);
            Assert.Contains(operation.Node["responses"]!.AsObject(), response => response.Key.StartsWith('2'));
        });
        var send = operations.Single(operation => operation.Name == "post /api/threads/{id}/messages").Node;
        Assert.NotNull(send["requestBody"]?["content"]?["application/json"]?["schema"]);
        var upload = operations.Single(operation => operation.Name == "post /api/attachments").Node;
        Assert.Equal("binary", (string?)upload["requestBody"]!["content"]!["multipart/form-data"]!["schema"]!["properties"]!["file"]!["format"]);
        Assert.DoesNotContain(operations.GroupBy(operation => (string)operation.Node["operationId"]!), same => same.Count() > 1);
        Assert.All(operations.Where(operation => operation.Name.StartsWith("get /api/", StringComparison.Ordinal)), operation => Assert.NotNull(operation.Node["responses"]!["429"]));
        Assert.All(["400", "401", "403", "409", "413", "415", "429"], (string status) => Assert.NotNull(send["responses"]![status]?["content"]?["text/plain"]));
    }

    [Fact]
    public async Task The_API_reference_page_is_HTML()
    {
        var api = await postgres.ApiAsync();
        using var page = await api.WithBearer(SendcatApi.OpsKey).GetAsync("/scalar/v1");
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task The_root_leads_to_the_reference_page()
    {
        await using var local = await SendcatApi.StartAsync(postgres, environment: "Development");
        using var page = await local.Anyone.GetAsync("/");
        Assert.Equal((HttpStatusCode.OK, "text/html", "/scalar/"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType, page.RequestMessage!.RequestUri!.AbsolutePath));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/OpenAPI/v1.json")]
    [InlineData("/scalar")]
    [InlineData("/scalar/v1")]
    public async Task The_document_and_its_page_are_404_without_the_operator_key(string path)
    {
        var api = await postgres.ApiAsync();
        await (await api.Anyone.GetAsync(path)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await api.WithBearer("not the key").GetAsync(path)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("OPTIONS")]
    public async Task Without_the_operator_key_the_document_looks_like_an_unknown_path(string method)
    {
        var api = await postgres.ApiAsync();
        foreach (var origin in new[] { null, "https://evil.example" })
        {
            Assert.Equal(await StatusAsync("/nope/v1.json", origin), await StatusAsync("/openapi/v1.json", origin));
            Assert.Equal(await StatusAsync("/nope/v1", origin), await StatusAsync("/scalar/v1", origin));
        }

        async Task<HttpStatusCode> StatusAsync(string path, string? origin)
        {
            using var request = new HttpRequestMessage(new(method), path);
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using var response = await api.Anyone.SendAsync(request);
            return response.StatusCode;
        }
    }
}
