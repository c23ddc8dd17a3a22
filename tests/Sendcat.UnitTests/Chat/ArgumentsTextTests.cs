using System.Buffers;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Streaming;

namespace Sendcat.UnitTests.Chat;

public sealed class ArgumentsTextTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(400)]
    public void Snapshots_of_long_arguments_take_linear_not_quadratic_space(int deltaLength)
    {
        var arguments = $$"""{"query":"{{new string('k', 16_000)}}"}""";

        var (events, bytes) = Write(arguments, deltaLength);

        Assert.InRange(bytes, arguments.Length, 40_000 + (6 * arguments.Length));
        Assert.Equal(arguments, string.Concat(events.Select(e => e.GetProperty("inputTextDelta").GetString())));
        var expected = "";
        foreach (var e in events)
        {
            expected += e.GetProperty("inputTextDelta").GetString();
            Assert.Equal(expected, e.GetProperty("argsSnapshot").GetString());
        }
    }

    [Fact]
    public void Deltas_of_short_arguments_are_sent_unchanged()
    {
        var (events, _) = Write("""{"query":"red kettle"}""", 4);

        Assert.Equal(["{\"qu", "ery\"", ":\"re", "d ke", "ttle", "\"}"], events.Select(e => e.GetProperty("inputTextDelta").GetString()));
    }

    [Fact]
    public void The_last_snapshot_is_complete_also_when_the_turn_fails()
    {
        var output = new ArrayBufferWriter<byte>();
        var dialect = new SendcatDialect();
        for (var n = 0; n < 300; n++)
        {
            dialect.Write(output, new ChatEvent.ToolInputDelta("c", "ab"));
        }

        dialect.Write(output, new ChatEvent.Error("upstream_error", "It broke.", true, null, null, null));

        var events = Events(output, "tool-input-delta");
        Assert.Equal(600, events[^1].GetProperty("argsSnapshot").GetString()!.Length);
    }

    private static (List<JsonElement> Events, int Bytes) Write(string arguments, int deltaLength)
    {
        var output = new ArrayBufferWriter<byte>();
        var dialect = new SendcatDialect();
        foreach (var piece in arguments.Chunk(deltaLength))
        {
            dialect.Write(output, new ChatEvent.ToolInputDelta("c", new string(piece)));
        }

        dialect.Write(output, new ChatEvent.ToolInputAvailable("c", "search_web", arguments, true));
        var events = Events(output, "tool-input-delta");
        return (events, output.WrittenCount - (events.Count * 100));
    }

    private static List<JsonElement> Events(ArrayBufferWriter<byte> output, string type) =>
        [.. Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line["data: ".Length..]).RootElement.Clone())
            .Where(e => e.GetProperty("type").GetString() == type)];
}
