using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>
/// Shapes of a message that clients of the AI SDK send: each is stored as it was meant, or refused with a text that says why.
/// </summary>
public sealed class MessageShapeTests(FileApiFixture files) : IClassFixture<FileApiFixture>, IAsyncLifetime
{
    private const string Yes = """[[emu text="Yes."]]""";

    private readonly FileApi _files = files.Files;
    private HttpClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _files.Api.GuestAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("application/octet-stream")]
    [InlineData("image/jpg")]
    [InlineData("IMAGE/PNG; q=1")]
    public async Task The_type_of_a_sent_file_is_that_of_its_content(string? mediaType)
    {
        var file = File($"data:;base64,{Convert.ToBase64String(FileApi.Png())}", mediaType);

        var stored = await StoredAsync(Parts(Text(Yes), file));

        Assert.Equal("image/png", (string?)Assert.Single(stored["attachments"]!.AsArray())!["type"]);
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("UI")]
    [InlineData("ui&stream=sendcat")]
    public async Task A_dialect_that_does_not_exist_is_refused(string stream)
    {
        var thread = await FileApi.NewThreadAsync(_guest);

        await (await _guest.PostAsJsonAsync($"/api/chat?stream={stream}", Chat(thread, Parts(Text(Yes)))))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await _guest.GetAsync($"/api/chat/{thread}/stream?stream={stream}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(HttpStatusCode.NoContent, (await _guest.GetAsync($"/api/chat/{thread}/stream?stream=")).StatusCode);
    }

    [Fact]
    public async Task An_uploaded_file_needs_no_type()
    {
        var file = File($"/api/attachments/{await FileApi.UploadAsync(_guest, FileApi.Pdf(), "bill.pdf")}");

        var stored = await StoredAsync(Parts(Text(Yes), file));

        Assert.Equal("bill.pdf", (string?)Assert.Single(stored["attachments"]!.AsArray())!["name"]);
    }

    [Theory]
    [InlineData("https://example.com/a.png", null, "a file with a web address must have a mediaType")]
    [InlineData(null, "image/png", "a file must have an https or a data address, or the path /api/attachments/{id}")]
    [InlineData("data:text/plain;base64,aGk=", "text/plain", "a file must be an image or application/pdf")]
    public async Task A_file_that_cannot_be_stored_is_refused(string? url, string? mediaType, string problem)
    {
        using var refused = await _guest.PostAsJsonAsync("/api/chat", Chat("refused", Parts(Text(Yes), File(url, mediaType))));

        var text = await refused.Content.ReadAsStringAsync();
        Assert.Equal((HttpStatusCode.BadRequest, $"Invalid request: {problem}"), (refused.StatusCode, text));
    }

    [Fact]
    public async Task A_web_address_is_stored_with_the_registered_name_of_its_type()
    {
        var stored = await StoredAsync(Parts(Text(Yes), File("https://example.com/a.jpg", "image/jpg")));

        Assert.Equal("image/jpeg", (string?)Assert.Single(stored["attachments"]!.AsArray())!["type"]);
    }

    [Fact]
    public async Task A_text_in_parts_and_in_content_is_one_text()
    {
        var both = Parts(Text("a kettle "), Text(Yes));
        both["content"] = "a kettle " + Yes;

        Assert.Equal("a kettle " + Yes, (string?)(await StoredAsync(both))["content"]);
    }

    [Fact]
    public async Task A_text_in_content_stays_beside_parts_without_one()
    {
        var message = Parts(File($"data:image/png;base64,{Convert.ToBase64String(FileApi.Png())}"));
        message["content"] = Yes;

        Assert.Equal(Yes, (string?)(await StoredAsync(message))["content"]);
    }

    private static JsonObject Text(string text) => new() { ["type"] = "text", ["text"] = text };

    private static JsonObject File(string? url, string? mediaType = null) =>
        new() { ["type"] = "file", ["url"] = url, ["mediaType"] = mediaType };

    private static JsonObject Parts(params JsonNode[] parts) =>
        new() { ["id"] = "m1", ["role"] = "user", ["parts"] = new JsonArray(parts) };

    private static JsonObject Chat(string chat, JsonObject message) =>
        new() { ["id"] = chat, ["modelId"] = "openai/gpt-5", ["messages"] = new JsonArray(message) };

    /// <summary>Sends the message as the first one of a chat.</summary>
    /// <returns>The message as it is stored.</returns>
    private async Task<JsonNode> StoredAsync(JsonObject message)
    {
        await FileApi.ChatAsync(_guest, Chat("chat", message));
        using var messages = await _guest.GetAsync("/api/threads/chat/messages");
        return (await messages.JsonAsync())["items"]![0]!;
    }
}
