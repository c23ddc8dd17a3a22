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
        await Api.ExecuteAsync($"insert into messages (id, thread_id, role, content, status) values (gen_random_uuid(), '{_thread}', 'system', 'secret', 'completed'), (gen_random_uuid(), '{_thread}', 'assistant', '**bold**', 'completed')");
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

    [Theory]
    [InlineData("pdf")]
    [InlineData("HTML")]
    public async Task An_unknown_format_is_an_invalid_request(string format) =>
        await (await Guest.GetAsync($"/api/threads/{_thread}/export?format={format}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
}
