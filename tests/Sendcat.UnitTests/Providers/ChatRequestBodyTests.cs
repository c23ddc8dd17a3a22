using System.Text.Json.Nodes;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.UnitTests.Providers;

public class ChatRequestBodyTests
{
    private static readonly ToolDeclaration Clock = new("get_current_time", "Tells the time.", """{"type":"object","properties":{}}""");

    [Fact]
    public async Task A_text_message_is_written_with_system_prompt_and_usage_option()
    {
        var json = await WriteAsync(Request(new ProviderMessage("user", "Zoë 🦜 \ud83e")), prompts: ["be kind"]);

        JsonEquals(
            """{"model":"m/one","stream":true,"usage":{"include":true},"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"Zoë 🦜 \uFFFD"}]}""", json);
    }

    [Theory]
    [InlineData(true, "auto")]
    [InlineData(false, "none")]
    public async Task Tools_are_declared_to_models_with_native_tools(bool allowed, string choice)
    {
        var json = await WriteAsync(Request(new ProviderMessage("user", "x")) with { Tools = [Clock], ToolsAllowed = allowed });

        JsonEquals("""[{"type":"function","function":{"name":"get_current_time","description":"Tells the time.","parameters":{"type":"object","properties":{}}}}]""", json["tools"]!);
        Assert.Equal((choice, false), (json["tool_choice"]!.GetValue<string>(), json["parallel_tool_calls"]!.GetValue<bool>()));
    }

    [Fact]
    public async Task Tools_are_not_declared_to_models_without_native_tools()
    {
        var json = await WriteAsync(Request(new ProviderMessage("user", "x")) with { Tools = [Clock] }, nativeTools: false);

        Assert.False(json.ContainsKey("tools") || json.ContainsKey("tool_choice") || json.ContainsKey("parallel_tool_calls"));
    }

    [Fact]
    public async Task Tool_calls_tool_results_and_reasoning_details_are_replayed()
    {
        var json = await WriteAsync(Request(
            new ProviderMessage("assistant", "")
            {
                ToolCalls = [new("c1", "f", """{"a":"b"}""")], ReasoningDetailsJson = """[{"type":"reasoning.text","text":"hm"}]""",
            },
            new ProviderMessage("tool", "42") { ToolCallId = "c1", Name = "f" }));

        JsonEquals(
            """
            [{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\"b\"}"}}],"reasoning_details":[{"type":"reasoning.text","text":"hm"}]},
             {"role":"tool","content":"42","tool_call_id":"c1","name":"f"}]
            """,
            json["messages"]!);
    }

    [Fact]
    public async Task Attachments_become_content_parts()
    {
        var json = await WriteAsync(Request(
            new ProviderMessage("user", "what is this?")
            {
                Attachments = [new("https://x/1", "image/png", "a.png"), new("https://x/2", "application/pdf", "b.pdf")],
            },
            new ProviderMessage("user", "  ") { Attachments = [new("https://x/3", "image/webp", "c.webp")] }));

        JsonEquals(
            """
            [{"role":"user","content":[{"type":"text","text":"what is this?"},{"type":"image_url","image_url":{"url":"https://x/1"}},{"type":"file","file":{"filename":"b.pdf","file_data":"https://x/2"}}]},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/3"}}]}]
            """,
            json["messages"]!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(24_576)]
    [InlineData(1_000_000)]
    public async Task A_stored_file_is_sent_as_a_data_address_of_known_length(int size)
    {
        var content = new byte[size];
        Random.Shared.NextBytes(content);
        ProviderAttachment[] files =
        [
            new(null, "image/png", "a.png") { Key = "k", Size = size }, new(null, "application/pdf", "b.pdf") { Key = "k", Size = size },
        ];
        using var body = ChatRequestBody.Write(
            Request(new ProviderMessage("user", "both") { Attachments = files }, new ProviderMessage("user", "after")), "m/one", true, [],
            (_, _) => Task.FromResult<Stream>(new MemoryStream(content)));

        var bytes = await body.ReadAsByteArrayAsync();

        Assert.Equal(bytes.Length, body.Headers.ContentLength);
        var parts = JsonNode.Parse(bytes)!["messages"]![0]!["content"]!;
        Assert.Equal($"data:image/png;base64,{Convert.ToBase64String(content)}", (string)parts[1]!["image_url"]!["url"]!);
        Assert.Equal(
            ("b.pdf", $"data:application/pdf;base64,{Convert.ToBase64String(content)}"),
            ((string)parts[2]!["file"]!["filename"]!, (string)parts[2]!["file"]!["file_data"]!));
        Assert.Null(body.FileFailure);
    }

    [Fact]
    public async Task A_long_history_is_sent_with_its_content_length()
    {
        using var body = ChatRequestBody.Write(
            Request([.. Enumerable.Repeat(new ProviderMessage("user", new string('é', 1000)), 200)]), "m/one", true, []);

        Assert.Equal((await body.ReadAsByteArrayAsync()).Length, body.Headers.ContentLength);
        Assert.Equal("application/json", body.Headers.ContentType!.MediaType);
    }

    private static ProviderRequest Request(params ProviderMessage[] messages) =>
        new() { Messages = messages, ThreadId = "t", StreamId = "s" };

    private static async Task<JsonObject> WriteAsync(ProviderRequest request, bool nativeTools = true, params string[] prompts)
    {
        using var body = ChatRequestBody.Write(request, "m/one", nativeTools, prompts);
        return JsonNode.Parse(await body.ReadAsStringAsync())!.AsObject();
    }

    private static void JsonEquals(string expected, JsonNode actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), actual.ToJsonString());
}
