using System.Buffers;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Chat;

public sealed class DialectTests
{
    private const string Hits =
        """[{"title":"A","link":"https://a.example/","snippet":"About A."},{"title":"Trap","link":"javascript:alert(1)"}]""";

    private static readonly ChatEvent[] Turn =
    [
        new ChatEvent.Start("m1", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 0),
        new ChatEvent.ProviderRoute("openrouter", "primary", "agent", "openai/gpt-5", 0),
        new ChatEvent.AttachmentSkipped("f1", "bill.pdf", "application/pdf", "model_no_files"),
        new ChatEvent.Reasoning("hmm"),
        new ChatEvent.ToolInputStart("c1", "search_web"),
        new ChatEvent.ToolInputDelta("c1", "{\"query\":"),
        new ChatEvent.ToolInputDelta("c1", "\"kettle\"}"),
        new ChatEvent.Usage(null, new CallMetrics(12, null, "openai/gpt-5", "tool_calls")),
        new ChatEvent.ToolInputAvailable("c1", "search_web", "{\"query\":\"kettle\"}", true),
        new ChatEvent.ToolBackpressure("c1", "search_web", "queue_timeout", true, 2000),
        new ChatEvent.ToolOutputPartial("c1", Hits),
        new ChatEvent.ToolOutput("c1", "One result.", Hits, false),
        new ChatEvent.Start("m2", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 1),
        new ChatEvent.Content("Here is "),
        new ChatEvent.Content("a \"kettle\" – £20"),
        new ChatEvent.Usage(new ProviderUsage(3, 4, 7, null, 1, 0.25m), new CallMetrics(20, 5, "openai/gpt-5", "stop")),
        new ChatEvent.Done("stop"),
    ];

    [Fact]
    public void The_sendcat_dialect_matches_the_protocol_page() => Assert.Equal(
        """
        {"type":"start","messageId":"m1","streamId":"STREAM:1","threadId":"t1"}
        {"type":"provider-route","providerId":"openrouter","routeId":"primary","modelClass":"agent"}
        {"type":"attachment-skipped","storageId":"f1","name":"bill.pdf","mediaType":"application/pdf","reason":"model_no_files"}
        {"type":"reasoning","content":"hmm"}
        {"type":"tool-input-start","toolCallId":"c1","toolName":"search_web","state":"streaming"}
        {"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"{\"query\":","argsSnapshot":"{\"query\":"}
        {"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"\"kettle\"}","argsSnapshot":"{\"query\":\"kettle\"}"}
        {"type":"usage","usage":null,"metrics":{"latencyMs":12,"ttftMs":null,"modelId":"openai/gpt-5","finishReason":"tool_calls"}}
        {"type":"tool-input-available","toolCallId":"c1","toolName":"search_web","input":{"query":"kettle"},"state":"completed"}
        {"type":"tool-backpressure","toolCallId":"c1","toolName":"search_web","reason":"queue_timeout","retryable":true,"retryAfterMs":2000}
        {"type":"tool-output-partially-available","toolCallId":"c1","output":[{"title":"A","link":"https://a.example/","snippet":"About A."},{"title":"Trap","link":"javascript:alert(1)"}]}
        {"type":"tool-output-available","toolCallId":"c1","output":{"results":[{"title":"A","link":"https://a.example/","snippet":"About A."},{"title":"Trap","link":"javascript:alert(1)"}],"text":"One result."}}
        {"type":"start","messageId":"m2","streamId":"STREAM:1","threadId":"t1"}
        {"type":"content","content":"Here is "}
        {"type":"content","content":"a \"kettle\" – £20"}
        {"type":"usage","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"reasoning_tokens":1,"cost":0.25},"metrics":{"latencyMs":20,"ttftMs":5,"modelId":"openai/gpt-5","finishReason":"stop"}}
        {"type":"done"}
        """,
        Write(new SendcatDialect(), Turn));

    [Fact]
    public void The_ui_dialect_opens_and_closes_every_block_inside_its_step() => Assert.Equal(
        """
        {"type":"start","messageId":"m1","messageMetadata":{"streamId":"STREAM:1","threadId":"t1","createdAt":"1970-01-01T00:00:00.000000Z"}}
        {"type":"start-step"}
        {"type":"data-provider-route","id":"route-0","data":{"providerId":"openrouter","routeId":"primary","modelClass":"agent","model":"openai/gpt-5","step":0}}
        {"type":"data-attachment-skipped","data":{"storageId":"f1","name":"bill.pdf","mediaType":"application/pdf","reason":"model_no_files"}}
        {"type":"reasoning-start","id":"r0-0"}
        {"type":"reasoning-delta","id":"r0-0","delta":"hmm"}
        {"type":"reasoning-end","id":"r0-0"}
        {"type":"tool-input-start","toolCallId":"c1","toolName":"search_web"}
        {"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"{\"query\":"}
        {"type":"tool-input-delta","toolCallId":"c1","inputTextDelta":"\"kettle\"}"}
        {"type":"message-metadata","messageMetadata":{"metrics":{"latencyMs":12,"ttftMs":null,"modelId":"openai/gpt-5","finishReason":"tool_calls"}}}
        {"type":"tool-input-available","toolCallId":"c1","toolName":"search_web","input":{"query":"kettle"}}
        {"type":"data-tool-backpressure","transient":true,"data":{"toolCallId":"c1","toolName":"search_web","reason":"queue_timeout","retryable":true,"retryAfterMs":2000}}
        {"type":"tool-output-available","toolCallId":"c1","output":[{"title":"A","link":"https://a.example/","snippet":"About A."},{"title":"Trap","link":"javascript:alert(1)"}],"preliminary":true}
        {"type":"source-url","sourceId":"c1-0","url":"https://a.example/","title":"A"}
        {"type":"tool-output-available","toolCallId":"c1","output":{"results":[{"title":"A","link":"https://a.example/","snippet":"About A."},{"title":"Trap","link":"javascript:alert(1)"}],"text":"One result."}}
        {"type":"finish-step"}
        {"type":"start-step"}
        {"type":"data-step","id":"step-1","data":{"index":1,"messageId":"m2"}}
        {"type":"text-start","id":"t1-0"}
        {"type":"text-delta","id":"t1-0","delta":"Here is "}
        {"type":"text-delta","id":"t1-0","delta":"a \"kettle\" – £20"}
        {"type":"message-metadata","messageMetadata":{"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"reasoning_tokens":1,"cost":0.25},"metrics":{"latencyMs":32,"ttftMs":5,"modelId":"openai/gpt-5","finishReason":"stop"}}}
        {"type":"text-end","id":"t1-0"}
        {"type":"finish-step"}
        {"type":"finish","finishReason":"stop","messageMetadata":{"status":"completed","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"reasoning_tokens":1,"cost":0.25},"metrics":{"latencyMs":32,"ttftMs":5,"modelId":"openai/gpt-5","finishReason":"stop"}}}
        [DONE]
        """,
        Write(new UiDialect(), Turn));

    [Fact]
    public void The_ui_dialect_sums_usage_and_latency_over_the_calls_of_a_turn()
    {
        ChatEvent[] turn =
        [
            Turn[0],
            new ChatEvent.Usage(new ProviderUsage(10, 2, 12, 4, null, 0.5m), new CallMetrics(100, 30, "a/one", "tool_calls")),
            new ChatEvent.Start("m2", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 1),
            new ChatEvent.Usage(null, new CallMetrics(10, 3, "a/one", "tool_calls")),
            new ChatEvent.Start("m3", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 2),
            new ChatEvent.Usage(new ProviderUsage(20, 3, 23, 1, 2, 0.25m), new CallMetrics(50, 7, "a/two", "stop")),
            new ChatEvent.Done("stop"),
        ];

        var lines = Write(new UiDialect(), turn).Split('\n').Where(line => line.Contains("\"metrics\"", StringComparison.Ordinal));

        Assert.Equal(
            [
                """{"type":"message-metadata","messageMetadata":{"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cached_tokens":4,"cost":0.5},"metrics":{"latencyMs":100,"ttftMs":30,"modelId":"a/one","finishReason":"tool_calls"}}}""",
                """{"type":"message-metadata","messageMetadata":{"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cached_tokens":4,"cost":0.5},"metrics":{"latencyMs":110,"ttftMs":30,"modelId":"a/one","finishReason":"tool_calls"}}}""",
                """{"type":"message-metadata","messageMetadata":{"usage":{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35,"cached_tokens":5,"reasoning_tokens":2,"cost":0.75},"metrics":{"latencyMs":160,"ttftMs":30,"modelId":"a/two","finishReason":"stop"}}}""",
                """{"type":"finish","finishReason":"stop","messageMetadata":{"status":"completed","usage":{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35,"cached_tokens":5,"reasoning_tokens":2,"cost":0.75},"metrics":{"latencyMs":160,"ttftMs":30,"modelId":"a/two","finishReason":"stop"}}}""",
            ],
            lines);
    }

    [Fact]
    public void The_ui_dialect_writes_data_error_before_the_error_event()
    {
        ChatEvent[] turn =
        [
            Turn[0], new ChatEvent.Content("par"),
            new ChatEvent.Error("upstream_rate_limited", "Busy.", true, 1500, "primary", new CallMetrics(9, 2, "m", null)),
        ];

        var lines = Write(new UiDialect(), turn).Split('\n');

        Assert.Equal(
            [
                """{"type":"text-end","id":"t0-0"}""",
                """{"type":"data-error","data":{"code":"upstream_rate_limited","retryable":true,"retryAfterMs":1500,"routeId":"primary"}}""",
                """{"type":"message-metadata","messageMetadata":{"status":"error"}}""",
                """{"type":"error","errorText":"Busy."}""",
                """{"type":"finish-step"}""",
                """{"type":"finish","finishReason":"error","messageMetadata":{"status":"error"}}""",
                "[DONE]",
            ],
            lines[^7..]);
    }

    [Fact]
    public void The_sendcat_dialect_writes_usage_error_before_the_error_event()
    {
        ChatEvent[] turn = [new ChatEvent.Error("upstream_timeout", "Too slow.", true, 1000, null, new CallMetrics(9, 2, "m", null))];

        Assert.Equal(
            """
            {"type":"usage_error","error":"Too slow.","code":"upstream_timeout","metrics":{"latencyMs":9,"modelId":"m"}}
            {"type":"error","error":"Too slow.","code":"upstream_timeout","retryAfterMs":1000}
            """,
            Write(new SendcatDialect(), turn));
    }

    [Fact]
    public void An_abort_is_the_last_event_in_each_dialect()
    {
        Assert.Equal("""{"type":"aborted"}""", Write(new SendcatDialect(), [new ChatEvent.Aborted()]));
        Assert.Equal(
            "{\"type\":\"message-metadata\",\"messageMetadata\":{\"status\":\"aborted\"}}\n{\"type\":\"abort\"}\n[DONE]",
            Write(new UiDialect(), [new ChatEvent.Aborted()]));
    }

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public void A_tool_call_ends_with_its_text_or_its_error_text_in_each_dialect(string dialect)
    {
        ChatEvent[] turn =
        [
            new ChatEvent.ToolOutput("c1", "Noon.", null, Failed: false),
            new ChatEvent.ToolOutput("c2", "The search failed.", null, Failed: true),
        ];

        Assert.Equal(
            """
            {"type":"tool-output-available","toolCallId":"c1","output":"Noon."}
            {"type":"tool-output-error","toolCallId":"c2","errorText":"The search failed."}
            """,
            Write(dialect == "ui" ? new UiDialect() : new SendcatDialect(), turn));
    }

    [Fact]
    public void Arguments_that_are_no_json_object_are_an_input_error_in_the_ui_dialect_and_empty_in_the_sendcat_dialect()
    {
        ChatEvent[] turn = [new ChatEvent.ToolInputAvailable("c", "t", "{\"query\":", false)];

        Assert.Contains("\"input\":{}", Write(new SendcatDialect(), turn), StringComparison.Ordinal);
        var ui = Write(new UiDialect(), turn);
        Assert.Contains("tool-input-error", ui, StringComparison.Ordinal);
        Assert.Contains("\"input\":\"{\\\"query\\\":\"", ui, StringComparison.Ordinal);
    }

    private static string Write(EventDialect dialect, IEnumerable<ChatEvent> events)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var chatEvent in events)
        {
            dialect.Write(output, chatEvent);
        }

        var lines = Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        foreach (var line in lines)
        {
            Assert.StartsWith("data: ", line, StringComparison.Ordinal);
            if (line != "data: [DONE]")
            {
                JsonDocument.Parse(line["data: ".Length..]).Dispose();
            }
        }

        return string.Join('\n', lines.Select(line => line["data: ".Length..]));
    }
}
