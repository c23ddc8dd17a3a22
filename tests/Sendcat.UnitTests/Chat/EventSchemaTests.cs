using System.Buffers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.OpenApi;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Chat;

/// <summary>The events in the API document are those that the dialects write: each type, with each field.</summary>
public sealed class EventSchemaTests
{
    private const string Hits = """[{"title":"A","link":"https://a.example/","snippet":"About A."}]""";

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = false,
        RespectNullableAnnotations = true,
    };

    private static readonly ChatEvent[] Turn =
    [
        new ChatEvent.Start("m1", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 0),
        new ChatEvent.ProviderRoute("openrouter", "primary", "agent", "openai/gpt-5", 0),
        new ChatEvent.AttachmentSkipped("f1", "bill.pdf", "application/pdf", "model_no_files"),
        new ChatEvent.Reasoning("hmm"),
        new ChatEvent.Content("hm"),
        new ChatEvent.ToolInputStart("c1", "search_web"),
        new ChatEvent.ToolInputDelta("c1", "{}"),
        new ChatEvent.Usage(null, new CallMetrics(12, null, "m", null)),
        new ChatEvent.ToolInputAvailable("c1", "search_web", "{}", true),
        new ChatEvent.ToolInputAvailable("c2", "search_web", "{", false),
        new ChatEvent.ToolBackpressure("c1", "search_web", "queue_timeout", true, 2000),
        new ChatEvent.ToolOutputPartial("c1", Hits),
        new ChatEvent.ToolOutput("c1", "One result.", Hits, false),
        new ChatEvent.ToolOutput("c2", "Failed.", null, true),
        new ChatEvent.Start("m2", "STREAM:1", "t1", DateTimeOffset.UnixEpoch, 1),
        new ChatEvent.Usage(new ProviderUsage(3, 4, 7, 1, 1, 0.25m), new CallMetrics(20, 5, "m", "stop")),
        new ChatEvent.Error("upstream_timeout", "Too slow.", true, 1000, "primary", new CallMetrics(9, 2, "m", null)),
        new ChatEvent.Aborted(),
        new ChatEvent.Done("stop"),
    ];

    [Fact]
    public void Every_event_of_the_sendcat_dialect_has_its_schema() => AssertDescribed<SendcatEvent>(new SendcatDialect());

    [Fact]
    public void Every_chunk_of_the_ui_dialect_has_its_schema() => AssertDescribed<UiEvent>(new UiDialect());

    private static void AssertDescribed<TEvent>(EventDialect dialect)
        where TEvent : notnull
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var chatEvent in Turn)
        {
            dialect.Write(output, chatEvent);
        }

        var lines = Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line["data: ".Length..]).Where(line => line != "[DONE]");
        var seen = lines.Select(line => JsonSerializer.Deserialize<TEvent>(line, Strict)!.GetType()).ToHashSet();

        var described = typeof(TEvent).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(derived => derived.DerivedType);
        Assert.Empty(described.Except(seen));
    }
}
