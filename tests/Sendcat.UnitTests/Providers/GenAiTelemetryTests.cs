using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

public sealed class GenAiTelemetryTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();
    private readonly List<Activity> _spans = [];
    private readonly ActivityListener _listener;
    private readonly string _thread = Guid.NewGuid().ToString();

    public GenAiTelemetryTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == GenAiTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (_spans)
                {
                    _spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _provider.Dispose();
    }

    [Fact]
    public async Task A_call_records_one_span_with_route_model_and_usage()
    {
        _provider.Refuses(500).RespondsWith(Text("x"), Finish("stop"), Usage(), Done);

        await _provider.RunAsync(Request() with { ThreadId = _thread });

        var span = Span();
        Assert.Equal(("chat openai/gpt-5", ActivityKind.Client), (span.DisplayName, span.Kind));
        Assert.Equal("chat", span.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("openrouter", span.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("openai/gpt-5", span.GetTagItem("gen_ai.request.model"));
        Assert.Equal("m/one", span.GetTagItem("gen_ai.response.model"));
        Assert.Equal("gen-1", span.GetTagItem("gen_ai.response.id"));
        Assert.Equal(["stop"], (string[])span.GetTagItem("gen_ai.response.finish_reasons")!);
        Assert.Equal(
            (11L, 7L, 4L, 3L),
            (span.GetTagItem("gen_ai.usage.input_tokens"), span.GetTagItem("gen_ai.usage.output_tokens"),
                span.GetTagItem("gen_ai.usage.cache_read.input_tokens"), span.GetTagItem("gen_ai.usage.reasoning.output_tokens")));
        Assert.NotNull(span.GetTagItem("gen_ai.response.time_to_first_chunk"));
        Assert.Equal("secondary", span.GetTagItem("sendcat.route"));
        Assert.Null(span.GetTagItem("error.type"));
        Assert.DoesNotContain(
            span.TagObjects,
            tag => tag.Key.Contains("messages", StringComparison.Ordinal) || tag.Key.Contains("instructions", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Captured_content_is_recorded_on_the_span()
    {
        using var provider = new ScriptedProvider(captureContent: true);
        provider.RespondsWith(Text("Here you are."), Finish("stop"), Usage(), Done);
        ProviderMessage[] messages =
        [
            new("user", "a kettle") { Attachments = [new("data:image/png;base64,AAAA", "image/png", "photo")] },
            new("assistant", null) { ToolCalls = [new("call_1", "search_products", """{"query":"kettle"}""")] },
            new("tool", "three kettles") { ToolCallId = "call_1", Name = "search_products" },
        ];

        await provider.RunAsync(
            Request() with
            {
                ThreadId = _thread, Messages = messages, Tools = [new("search_products", "Finds products", """{"type":"object"}""")],
            });

        var span = Span();
        AssertJson("gen_ai.input.messages", """
            [{"role":"user","parts":[{"type":"text","content":"a kettle"},{"type":"uri","modality":"image","mime_type":"image/png","uri":"data: (26 characters)"}]},
             {"role":"assistant","parts":[{"type":"tool_call","id":"call_1","name":"search_products","arguments":"{\"query\":\"kettle\"}"}]},
             {"role":"tool","parts":[{"type":"tool_call_response","id":"call_1","response":"three kettles"}]}]
            """);
        AssertJson(
            "gen_ai.output.messages",
            """[{"role":"assistant","parts":[{"type":"text","content":"Here you are."}],"finish_reason":"stop"}]""");
        AssertJson(
            "gen_ai.tool.definitions",
            """[{"type":"function","name":"search_products","description":"Finds products","parameters":{"type":"object"}}]""");
        Assert.Contains("\"type\":\"text\"", (string)span.GetTagItem("gen_ai.system_instructions")!, StringComparison.Ordinal);

        void AssertJson(string attribute, string expected) => Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse((string)span.GetTagItem(attribute)!)),
            (string)span.GetTagItem(attribute)!);
    }

    [Fact]
    public void Captured_content_is_bounded()
    {
        var messages = Enumerable.Range(0, 100).Select(n => new ProviderMessage("user", $"{n} " + new string('x', 10_000))).ToArray();

        var captured = JsonNode.Parse(GenAiContent.Input(messages))!.AsArray();

        Assert.InRange(captured.Count, 1, GenAiContent.MaxTotalTextLength / GenAiContent.MaxTextLength);
        Assert.StartsWith("99 ", (string)captured[^1]!["parts"]![0]!["content"]!, StringComparison.Ordinal);
        Assert.InRange(
            ((string)captured[^1]!["parts"]![0]!["content"]!).Length, GenAiContent.MaxTextLength, GenAiContent.MaxTextLength + 50);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("false", false)]
    [InlineData("yes", false)]
    [InlineData("true", true)]
    [InlineData("True", true)]
    public void Content_is_captured_only_on_request(string? setting, bool captured) =>
        Assert.Equal(
            captured,
            ContentCapture.From(new ConfigurationBuilder().AddInMemoryCollection([new(ContentCapture.Variable, setting)]).Build()).IsOn);

    [Fact]
    public async Task A_failed_call_records_its_error_code()
    {
        _provider.Refuses(401);

        await _provider.RunAsync(Request() with { ThreadId = _thread });

        Assert.Equal(("upstream_auth", ActivityStatusCode.Error), ((string?)Span().GetTagItem("error.type"), Span().Status));
    }

    [Fact]
    public async Task Metric_tags_come_from_closed_sets()
    {
        using var duration = _provider.Meters.Seconds("gen_ai.client.operation.duration");
        using var firstChunk = _provider.Meters.Seconds("gen_ai.client.operation.time_to_first_chunk");
        using var tokens = _provider.Meters.Counts("gen_ai.client.token.usage");
        _provider.RespondsWith(Text("x"), Finish("stop"), Usage(), Done).Refuses(404);

        await _provider.RunAsync(Request("someone/made-this-up"));
        await _provider.RunAsync();

        var durations = duration.GetMeasurementSnapshot();
        Assert.Equal(["other", "openai/gpt-5"], durations.Select(measured => measured.Tags["gen_ai.request.model"]));
        Assert.False(durations[0].Tags.ContainsKey("error.type"));
        Assert.Equal("upstream_bad_request", durations[1].Tags["error.type"]);
        Assert.Single(firstChunk.GetMeasurementSnapshot());
        Assert.Equal(
            [("input", 11L), ("output", 7L)],
            tokens.GetMeasurementSnapshot().Select(measured => ((string)measured.Tags["gen_ai.token.type"]!, measured.Value)));
    }

    private Activity Span()
    {
        lock (_spans)
        {
            return Assert.Single(_spans, span => Equals(span.GetTagItem("gen_ai.conversation.id"), _thread));
        }
    }
}
