using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Chat.Gate;

namespace Sendcat.UnitTests.Chat;

/// <summary>Long bodies in <c>useChat</c> shape are reduced to the last user message while they arrive.</summary>
public sealed class UiBodyReducerTests
{
    private const int MaxMessageBytes = 2_000;

    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public void Only_the_last_user_message_and_known_properties_are_kept(int bytesAtOnce)
    {
        const string body = """
             { "extra" : {"deep": [1, {"x": "} ] \" \\"}]}, "id":"chat", "webSearch" : true , "messages" : [
               {"id":"m1","role":"user","parts":[{"type":"text","text":"old \"] }"}]},
               {"id":"a1","role":"assistant","parts":[{"type":"text","text":"é \u00e9"}]} ,
               {"parts":[{"type":"text","text":"new, [\\] {\""}],"id":"m2","role":"user"}, {"id":"a2","role":"assistant","parts":[]}, 7
             ], "trigger":"submit-message", "more": [[]], "modelId":null}
            """;

        var reduced = Reduce(body, bytesAtOnce)!;

        Assert.Equal(
            """{"id":"chat","webSearch":true,"messages":[{"parts":[{"type":"text","text":"new, [\\] {\""}],"id":"m2","role":"user"}],"trigger":"submit-message","modelId":null}""",
            JsonSerializer.Serialize(JsonDocument.Parse(reduced).RootElement, Relaxed));
    }

    [Fact]
    public void The_history_is_not_held_in_memory()
    {
        var reducer = new UiBodyReducer(MaxMessageBytes);
        Assert.Null(reducer.Add("""{"id":"chat","messages":["""u8));
        for (var n = 0; n < 5_000; n++)
        {
            Assert.Null(reducer.Add(Encoding.UTF8.GetBytes($$"""{"id":"m{{n}}","role":"{{(n % 2 == 0 ? "user" : "assistant")}}","parts":[{"type":"text","text":"{{new string('x', 500)}}"}]},""")));
            Assert.InRange(reducer.HeldBytes, 0, 2 * MaxMessageBytes);
        }

        Assert.Null(reducer.Add("""{"id":"last","role":"user","parts":[]}]}"""u8));
        Assert.Null(reducer.Complete());
        Assert.Equal(
            """{"id":"chat","messages":[{"id":"last","role":"user","parts":[]}]}""", Encoding.UTF8.GetString(reducer.Reduced.Span));
    }

    [Fact]
    public void A_message_that_is_too_large_is_refused_only_if_it_is_the_last_of_the_user()
    {
        var large = $$"""{"parts":[{"type":"text","text":"{{new string('x', MaxMessageBytes)}}"}],"role":"user"}""";
        const string small = """{"role":"user","parts":[]}""";

        Assert.Equal("""{"messages":[{"role":"user","parts":[]}]}""", Reduce($$"""{"messages":[{{large}},{{small}}]}""", 64));
        Assert.Null(Reduce($$"""{"messages":[{{small}},{{large}}]}""", 64));
        Assert.Equal(
            """{"messages":[{"role":"user","parts":[]}]}""",
            Reduce($$"""{"messages":[{{small}},{"role":"assistant","text":"{{new string('x', MaxMessageBytes)}}"}]}""", 64));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"messages":[{"role":"user"]}""")]
    [InlineData("""{"messages":[{"role":"user"}]} {}""")]
    [InlineData("""{"messages":[nonsense]}""")]
    [InlineData("""{"id":"x",}""")]
    [InlineData("""{"id" "x"}""")]
    public void A_body_that_cannot_be_parsed_is_refused(string body) => Assert.Null(Reduce(body, 3));

    [Theory]
    [InlineData(900, null)]
    [InlineData(1_000, "The JSON of the body may be nested at most 1000 levels deep")]
    public void A_nested_output_of_a_tool_is_skipped_over(int levels, string? refusal)
    {
        var output = new string('[', levels) + new string(']', levels);
        var reducer = new UiBodyReducer(MaxMessageBytes + (2 * levels));

        var error = reducer.Add(
            Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"assistant","parts":[{"output":{{output}}}]},{"role":"user","parts":[]}]}"""))
            ?? reducer.Complete();

        Assert.Equal(refusal, error?.Message);
    }

    /// <returns>Null if the body is refused.</returns>
    private static string? Reduce(string body, int bytesAtOnce)
    {
        var reducer = new UiBodyReducer(MaxMessageBytes);
        foreach (var chunk in Encoding.UTF8.GetBytes(body).Chunk(bytesAtOnce))
        {
            if (reducer.Add(chunk) is not null)
            {
                return null;
            }
        }

        return reducer.Complete() is null ? Encoding.UTF8.GetString(reducer.Reduced.Span) : null;
    }
}
