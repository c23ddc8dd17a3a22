using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Markup;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.ApiService.Tools;

namespace Sendcat.UnitTests.Chat;

/// <summary>An event is one line of valid JSON in valid UTF-8 for any text of models and tools.</summary>
public sealed class EventFramingTests
{
    private const string Pretty = "{\r\n  \"query\" : \"ket\\ntle\",\n\t\"limit\" :\r 1.50,\n  \"tags\": [ true , null ]\n}";
    private const string PrettyInOneLine = """{"query":"ket\ntle","limit":1.50,"tags":[true,null]}""";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.Char.Array[0, 12].Select(chars => new string(chars)),
        Gen.OneOf<string>(
            "\r", "\n", "\r\n", "\u2028", "\u0085", "\ud800", "\udc00", "\ud83d\ude00", "\0", "\"", "\\", "data: x", "<think>", "{",
            "\ufeff").Array[0, 6].Select(string.Concat));

    private static readonly Gen<string> Whitespace = Gen.OneOf<string>("", " ", "\n", "\r\n", "\t", "\r", "\n\n  ");

    private static readonly Gen<string> Escaped = Gen.OneOf(
        AnyText.Select(text => JsonSerializer.Serialize(text)),
        Gen.OneOf<string>(@"""\ud800""", @"""\udfffx""", @"""a\ud83d""", @"""\r\n""", @"""\u000a""", @"""\ud83d\ude00"""));

    private static readonly Gen<string> AnyJson = Gen.Recursive<string>((depth, inner) => depth > 3
        ? Escaped
        : Gen.OneOf(
            Escaped,
            Gen.OneOf<string>("1", "-0.0", "1e999", "12345678901234567890123", "true", "null"),
            Gen.Select(Whitespace, inner.Array[0, 3], (white, items) => $"[{white}{string.Join($"{white},{white}", items)}{white}]"),
            Members(inner)));

    private static readonly Gen<string> AnyObject = Members(AnyJson);

    [Fact]
    public void Every_data_line_is_one_line_of_json_for_any_event_content() =>
        Gen.Select(AnyText, AnyText, Gen.OneOf(AnyObject, AnyText), Gen.OneOf(AnyJson, AnyText)).Sample(
            (id, text, input, output) =>
            {
                ChatEvent[] turn =
                [
                    new ChatEvent.Start(id, text, id, DateTimeOffset.UnixEpoch, 0),
                    new ChatEvent.ProviderRoute(id, text, id, text, 0),
                    new ChatEvent.Reasoning(text),
                    new ChatEvent.Content(text),
                    new ChatEvent.ToolInputStart(id, "search_web"),
                    new ChatEvent.ToolInputDelta(id, input),
                    new ChatEvent.ToolInputAvailable(id, text, input, JsonShape.IsObject(input)),
                    new ChatEvent.ToolBackpressure(id, text, "queue_timeout", true, 1),
                    new ChatEvent.ToolOutputPartial(id + "x", output),
                    new ChatEvent.ToolOutput(id, text, output, false),
                    new ChatEvent.ToolOutput(id, text, null, true),
                    new ChatEvent.Usage(null, new CallMetrics(1, null, text, id)),
                    new ChatEvent.Error("internal_error", text, true, 1, id, new CallMetrics(1, null, text, null)),
                    new ChatEvent.Done(text),
                    new ChatEvent.Aborted(),
                ];
                AssertFramed(new SendcatDialect(), turn);
                AssertFramed(new UiDialect(), turn);
            },
            iter: 3_000);

    [Fact]
    public async Task Every_data_line_is_one_line_of_json_for_any_provider_stream() =>
        await Gen.Select(AnyText.Array[0, 4], Gen.OneOf(AnyObject, AnyText), Gen.Int[1, 40], Gen.Bool).SampleAsync(
            async (deltas, arguments, cut, asObject) =>
            {
                var sse = new StringBuilder();
                foreach (var delta in deltas)
                {
                    sse.Append($"data: {{\"choices\":[{{\"delta\":{{\"content\":{JsonSerializer.Serialize(delta)},\"reasoning\":{JsonSerializer.Serialize(delta)}}}}}]}}\n\n");
                }

                var written = asObject && JsonShape.IsObject(arguments)
                    ? [arguments.ReplaceLineEndings(" ")]
                    : Pieces(arguments, cut).Select(piece => JsonSerializer.Serialize(piece)).ToArray();
                foreach (var piece in written)
                {
                    sse.Append($"data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"c\",\"function\":{{\"name\":\"search_web\",\"arguments\":{piece}}}}}]}}}}]}}\n\n");
                }

                var events = await ReadAsync(
                    sse.Append("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n").ToString());

                AssertFramed(new SendcatDialect(), events);
                AssertFramed(new UiDialect(), events);
            },
            iter: 500);

    [Fact]
    public async Task Pretty_printed_arguments_are_sent_and_stored_as_one_line()
    {
        var events = await ReadAsync(
            $"data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"c\",\"function\":{{\"name\":\"search_web\",\"arguments\":{JsonSerializer.Serialize(Pretty)}}}}}]}},\"finish_reason\":\"tool_calls\"}}]}}\n\ndata: [DONE]\n\n");

        Assert.Equal(PrettyInOneLine, Assert.Single(events.OfType<ChatEvent.ToolInputAvailable>()).InputJson);
        Assert.Contains($"\"input\":{PrettyInOneLine}", AssertFramed(new SendcatDialect(), events), StringComparison.Ordinal);
        Assert.Contains($"\"input\":{PrettyInOneLine}", AssertFramed(new UiDialect(), events), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Pretty, PrettyInOneLine)]
    [InlineData("[1,\n2]", "[1,2]")]
    [InlineData("{\"a\":\"\\ud800\",\"\\udc00\":1}", "{\"a\":\"\\uFFFD\",\"\\uFFFD\":1}")]
    [InlineData("{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\\uD83D\\uDE00\"}")]
    [InlineData("{\"a\":1", null)]
    [InlineData("{} {}", null)]
    [InlineData("", null)]
    [InlineData("{\n,}", null)]
    public void Foreign_json_is_rewritten_as_one_line_and_invalid_json_is_null(string text, string? written) =>
        Assert.Equal(written, OneLineJson.Of(text));

    [Fact]
    public void Tool_output_that_is_no_json_is_sent_as_an_empty_list()
    {
        ChatEvent[] turn = [new ChatEvent.ToolOutputPartial("c", "[{\n"), new ChatEvent.ToolOutput("c", "text", "[{\n", false)];

        Assert.Contains("\"output\":[]", AssertFramed(new SendcatDialect(), turn), StringComparison.Ordinal);
        Assert.Contains("\"results\":[]", AssertFramed(new UiDialect(), turn), StringComparison.Ordinal);
    }

    private static Gen<string> Members(Gen<string> value) =>
        Gen.Select(Whitespace, Gen.Select(Escaped, value).Array[0, 3], (white, members) => $"{{{white}{string.Join($"{white},{white}", members.Select(member => $"{member.Item1}{white}:{white}{member.Item2}"))}{white}}}");

    private static IEnumerable<string> Pieces(string text, int length) => text.Chunk(length).Select(piece => new string(piece));

    private static async Task<List<ChatEvent>> ReadAsync(string sse)
    {
        using var reader = new OpenRouterReader(
            new MemoryStream(Encoding.UTF8.GetBytes(sse)),
            new TextMarkup(MarkupSyntax.Native, webSearch: true, toolsAllowed: true, TimeProvider.System),
            new ProviderFaults(ProviderRoute.Primary), TimeProvider.System);
        var providerEvents = new List<ProviderEvent>();
        try
        {
            while (await reader.ReadAsync(providerEvents, CancellationToken.None))
            {
            }
        }
        catch (ProviderException)
        {
            // The stream is invalid, for instance a call without a name. The events before the failure stay valid.
        }

        var call = new ModelCall(null, 0, TimeProvider.System);
        var events = providerEvents.Select(providerEvent => call.Process(providerEvent, 0)).OfType<ChatEvent>().ToList();
        events.AddRange(
            call.ToolCalls.Select(
                toolCall => new ChatEvent.ToolInputAvailable(
                    toolCall.Id, toolCall.Name, toolCall.ArgumentsJson, JsonShape.IsObject(toolCall.ArgumentsJson))));
        events.Add(new ChatEvent.Done("stop"));
        return events;
    }

    /// <summary>Asserts that every event is one <c>data:</c> line of valid JSON.</summary>
    /// <returns>The stream as text.</returns>
    private static string AssertFramed(EventDialect dialect, IEnumerable<ChatEvent> events)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var chatEvent in events)
        {
            dialect.Write(output, chatEvent);
        }

        var text = Strict.GetString(output.WrittenSpan);
        var blocks = text.Split("\n\n");
        Assert.Equal("", blocks[^1]);
        foreach (var block in blocks[..^1])
        {
            Assert.StartsWith("data: ", block, StringComparison.Ordinal);
            Assert.Equal(-1, block.AsSpan().IndexOfAny('\r', '\n'));
            if (block != "data: [DONE]")
            {
                using var json = JsonDocument.Parse(block["data: ".Length..]);
                Read(json.RootElement);
            }
        }

        return text;
    }

    /// <summary>Reads every name and string. An escaped lone surrogate throws.</summary>
    private static void Read(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                Assert.NotNull(json.GetString());
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    Read(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in json.EnumerateObject())
                {
                    Assert.NotNull(member.Name);
                    Read(member.Value);
                }

                break;
        }
    }
}
