using System.Net;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Http;

public sealed class ApiDocumentTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_operation_has_an_id_a_summary_and_its_responses()
    {
        var api = await postgres.ApiAsync();
        var document = await (await api.WithBearer(SendcatApi.OpsKey).GetAsync("/openapi/v1.json")).JsonAsync();

        var operations = document["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => (Name: $"{operation.Key} {path.Key}", Node: operation.Value!)))
            .ToList();
        Assert.Contains(operations, operation => operation.Name == "post /api/threads/{id}/messages");
        Assert.All(operations, operation =>
        {
            Assert.False(string.IsNullOrWhiteSpace((string?)operation.Node["operationId"]), operation.Name);
            Assert.False(string.IsNullOrWhiteSpace((string?)operation.Node["summary"]), operation.Name);
            Assert.Contains(operation.Node["responses"]!.AsObject(), response => response.Key[0] is '2' or '3');
        });
        var send = operations.Single(operation => operation.Name == "post /api/threads/{id}/messages").Node;
        Assert.NotNull(send["requestBody"]?["content"]?["application/json"]?["schema"]);
        var upload = operations.Single(operation => operation.Name == "post /api/attachments").Node;
        Assert.Equal(
            "binary", (string?)upload["requestBody"]!["content"]!["multipart/form-data"]!["schema"]!["properties"]!["file"]!["format"]);
        Assert.DoesNotContain(operations.GroupBy(operation => (string)operation.Node["operationId"]!), same => same.Count() > 1);
        Assert.All(
            operations.Where(operation => operation.Name.StartsWith("get /api/", StringComparison.Ordinal)),
            operation => Assert.NotNull(operation.Node["responses"]!["429"]));
        Assert.All(
            ["400", "401", "403", "409", "413", "415", "429"],
            (string status) => Assert.NotNull(send["responses"]![status]?["content"]?["text/plain"]));
    }

    [Fact]
    public async Task The_chat_comes_first_and_every_summary_is_a_few_words()
    {
        var document = await DocumentAsync();
        var summaries = Operations(document).Select(operation => (string)operation["summary"]!).ToList();

        Assert.Equal("Chat", (string)document["tags"]![0]!["name"]!);
        Assert.Equal("/api/chat", document["paths"]!.AsObject().First().Key);
        Assert.All(summaries, summary => Assert.InRange(summary.Length, 3, 45));
    }

    [Fact]
    public async Task Every_query_parameter_is_described_and_numbers_are_numbers()
    {
        var parameters = Operations(await DocumentAsync()).SelectMany(operation => operation["parameters"]?.AsArray() ?? [])
            .Where(parameter => (string?)parameter!["in"] == "query").ToList();

        Assert.All(
            parameters, parameter => Assert.False(string.IsNullOrEmpty((string?)parameter!["description"]), (string)parameter["name"]!));
        Assert.All(
            parameters.Where(parameter => (string)parameter!["name"]! == "limit"),
            parameter => Assert.Equal("integer", (string)parameter!["schema"]!["type"]!));
        Assert.Contains(
            parameters, parameter => (string)parameter!["name"]! == "format" && parameter["schema"]!["enum"]!.AsArray().Count == 4);
    }

    [Fact]
    public async Task A_field_that_may_be_missing_is_optional_and_stored_json_has_a_schema()
    {
        var schemas = (await DocumentAsync())["components"]!["schemas"]!;

        Assert.Equal(["email", "password"], Required("SignIn"));
        Assert.Empty(Required("NewMessage"));
        Assert.Equal(["content", "createdAt", "id", "role", "threadId"], Required("MessageView"));
        Assert.Equal(
            ["user", "assistant", "system", "tool"],
            schemas["MessageView"]!["properties"]!["role"]!["enum"]!.AsArray().Select(value => (string)value!));
        Assert.Equal("#/components/schemas/Product", (string)schemas["MessageView"]!["properties"]!["products"]!["items"]!["$ref"]!);
        Assert.Equal(
            "#/components/schemas/SendcatEventAborted", (string)schemas["SendcatEvent"]!["discriminator"]!["mapping"]!["aborted"]!);
        Assert.NotNull(schemas["UiEventToolOutputAvailable"]);
        Assert.Equal(["id", "metadata", "parts", "role"], Required("ChatUiMessage"));
        Assert.Equal(["type"], Required("ChatUiPart"));
        Assert.Equal(["createdAt", "id", "messages"], Required("ThreadExport"));
        Assert.Equal("#/components/schemas/Product", (string)schemas["ExportedMessage"]!["properties"]!["products"]!["items"]!["$ref"]!);
        Assert.NotNull(schemas["ThreadEventTurnEnded"]);

        IEnumerable<string> Required(string name) =>
            (schemas[name]!["required"]?.AsArray() ?? []).Select(field => (string)field!).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_field_of_any_json_has_no_class_and_every_event_has_its_own_schema()
    {
        var document = await DocumentAsync();
        var schemas = document["components"]!["schemas"]!.AsObject();

        Assert.DoesNotContain("JsonElement", document.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("string", (string)schemas["ChatBody"]!["properties"]!["message"]!["type"]!);
        Assert.Equal("{}", schemas["ChatUiPart"]!["properties"]!["output"]!.ToJsonString());
        Assert.All(schemas.Where(schema => schema.Value!["discriminator"] is not null), schema => Assert.Null(schema.Value!["oneOf"]));
    }

    [Fact]
    public async Task A_body_whose_fields_are_all_optional_may_be_left_out_or_null()
    {
        var documented = Operations(await DocumentAsync())
            .Where(operation => operation["requestBody"] is { } body && (bool?)body["required"] != true)
            .Select(operation => (string)operation["operationId"]!);
        Assert.Equal(
            ["drafts.confirmDraft", "threads.create", "threads.createShareFork", "threads.createShareToken", "threads.update"],
            documented.Order(StringComparer.Ordinal));

        var guest = await (await postgres.ApiAsync()).GuestAsync();
        foreach (var body in new HttpContent?[] { null, new StringContent("null", null, "application/json") })
        {
            using var created = await guest.PostAsync("/api/threads", body);
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        }
    }

    [Fact]
    public async Task The_reference_page_loads_nothing_from_other_hosts_and_shows_no_button_of_its_vendor()
    {
        using var page = await (await postgres.ApiAsync()).WithBearer(SendcatApi.OpsKey).GetAsync("/scalar/v1");
        var html = await page.Content.ReadAsStringAsync();

        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.DoesNotContain("://", html, StringComparison.Ordinal);
        Assert.Contains("\"withDefaultFonts\":false", html, StringComparison.Ordinal);
        Assert.Contains("\"hideClientButton\":true", html, StringComparison.Ordinal);
        Assert.Contains("\"agent\":{\"disabled\":true}", html, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'self';", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_root_leads_to_the_reference_page()
    {
        await using var local = await SendcatApi.StartAsync(postgres, environment: "Development");
        using var page = await local.Anyone.GetAsync("/");
        Assert.Equal(
            (HttpStatusCode.OK, "text/html", "/scalar/"),
            (page.StatusCode, page.Content.Headers.ContentType?.MediaType, page.RequestMessage!.RequestUri!.AbsolutePath));
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

    private static IEnumerable<JsonNode> Operations(JsonNode document) =>
        document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => operation.Value!));

    private async Task<JsonNode> DocumentAsync() =>
        await (await (await postgres.ApiAsync()).WithBearer(SendcatApi.OpsKey).GetAsync("/openapi/v1.json")).JsonAsync();
}
