using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Threads;

public sealed class ExportTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private const string TextToEscape = "<script>alert('x')</script> & \"quotes\"";
    private string _thread = "";

    private protected override async Task PrepareAsync()
    {
        _thread = (string)(await (await Guest.PostAsJsonAsync("/api/threads", new { title = $"Title {TextToEscape}" })).JsonAsync())["id"]!;
        await Guest.PostAsJsonAsync($"/api/threads/{_thread}/messages", new { content = TextToEscape });
        await Api.ExecuteAsync(
            "insert into messages (id, thread_id, role, content, status) "
            + $"values (gen_random_uuid(), '{_thread}', 'system', 'secret', 'completed'), (gen_random_uuid(), '{_thread}', 'assistant', "
            + "'**bold**', 'completed')");
    }

    [Theory]
    [InlineData("markdown", "text/markdown", "md")]
    [InlineData("json", "application/json", "json")]
    [InlineData("text", "text/plain", "txt")]
    [InlineData("html", "text/html", "html")]
    [InlineData("", "text/markdown", "md")]
    public async Task Every_format_is_a_download_without_system_messages(string format, string mediaType, string extension)
    {
        using var response = await Guest.GetAsync($"/api/threads/{_thread}/export?format={format}");
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("attachment", response.Content.Headers.ContentDisposition?.DispositionType);
        Assert.EndsWith($".{extension}", response.Content.Headers.ContentDisposition?.FileName, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Contains("bold", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Html_is_escaped()
    {
        var html = await Guest.GetStringAsync($"/api/threads/{_thread}/export?format=html");
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quotes&quot;", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_contains_the_text_unchanged()
    {
        var json = JsonNode.Parse(await Guest.GetStringAsync($"/api/threads/{_thread}/export?format=json"))!;
        Assert.Equal($"Title {TextToEscape}", (string)json["title"]!);
        Assert.Equal([TextToEscape, "**bold**"], json["messages"]!.AsArray().Select(m => (string)m!["content"]!));
    }

    [Fact]
    public async Task Every_format_carries_products_files_reasoning_and_status()
    {
        await Api.ExecuteAsync(
            $$$"""
            insert into messages (id, thread_id, role, content, status, reasoning_content, products, attachments)
            values (gen_random_uuid(), '{{{_thread}}}', 'assistant', 'cut', 'aborted',
              'first thought', '[{"id":"p","title":"Shoe [x](javascript:1) <b>","price":"GBP 8.00","url":"https://shop.example/1"},{"title":"Odd","url":"javascript:alert(1)"}]',
              '[{"storageId":"f","type":"image/png","name":"shoe.png","size":10}]')
            """);
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var format in new[] { "markdown", "text", "html", "json" })
        {
            texts[format] = await Guest.GetStringAsync($"/api/threads/{_thread}/export?format={format}");
            Assert.All(
                ["first thought", "GBP 8.00", "shoe.png"], (string part) => Assert.Contains(part, texts[format], StringComparison.Ordinal));
        }

        Assert.All(["markdown", "text", "html"], (string format) =>
        {
            Assert.Contains("Stopped before its end", texts[format], StringComparison.Ordinal);
            Assert.DoesNotContain("javascript:alert", texts[format], StringComparison.Ordinal);
        });
        Assert.Contains(@"Shoe \[x\]\(javascript:1\) \<b\>", texts["markdown"], StringComparison.Ordinal);
        Assert.Contains("Shoe [x](javascript:1) &lt;b&gt;", texts["html"], StringComparison.Ordinal);
        var cut = JsonNode.Parse(texts["json"])!["messages"]!.AsArray()[^1]!;
        Assert.Equal(
            ("aborted", "first thought", "p"),
            ((string)cut["status"]!, (string)cut["reasoningContent"]!, (string)cut["products"]![0]!["id"]!));
    }

    [Fact]
    public async Task A_thread_of_many_and_of_large_messages_is_complete_and_in_order()
    {
        await Api.ExecuteAsync(
            $"""
            insert into messages (id, thread_id, role, content, status)
            select gen_random_uuid(), '{_thread}', 'assistant', n || repeat('x', case when n % 50 = 0 then 600000 else 0 end), 'completed'
            from generate_series(1, 250) n order by n
            """);

        var json = JsonNode.Parse(await Guest.GetStringAsync($"/api/threads/{_thread}/export?format=json"))!;

        var added = Enumerable.Range(1, 250).Select(n => n.ToString(CultureInfo.InvariantCulture));
        Assert.Equal([TextToEscape, "**bold**", .. added], json["messages"]!.AsArray().Select(m => ((string)m!["content"]!).TrimEnd('x')));
    }

    [Theory]
    [InlineData("pdf")]
    [InlineData("HTML")]
    public async Task An_unknown_format_is_an_invalid_request(string format) =>
        await (await Guest.GetAsync($"/api/threads/{_thread}/export?format={format}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
}
