using System.Text.Json;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.UnitTests.Chat;

public sealed class ConversationTests
{
    private static readonly ChatOptions Limits = new();

    [Fact]
    public void A_tool_call_without_a_result_gets_a_synthetic_one()
    {
        var history = new[] { User("hi"), Assistant("", calls: ToolCallsJson.Write([new("c1", "search_web", "{}"), new("c2", "get_current_time", "{}")])), Tool("c2", "noon"), User("and?") };

        var told = Conversation.From(history, Limits).Messages;

        Assert.Equal(["user", "assistant", "tool", "tool", "user"], told.Select(message => message.Role));
        Assert.Contains("interrupted", told[2].Content, StringComparison.Ordinal);
        Assert.Equal(("c1", "noon"), (told[2].ToolCallId, told[3].Content));
    }

    [Fact]
    public void A_result_without_its_call_is_left_out()
    {
        var told = Conversation.From([Tool("gone", "text"), User("hi")], Limits).Messages;

        Assert.Equal("hi", Assert.Single(told).Content);
    }

    [Fact]
    public void Text_beside_tool_calls_is_kept()
    {
        var told = Conversation.From([User("hi"), Assistant("Let me look.", calls: ToolCallsJson.Write([new("c", "t", "{}")])), Tool("c", "r")], Limits).Messages;

        Assert.Equal("Let me look.", told[1].Content);
        Assert.Equal("c", Assert.Single(told[1].ToolCalls).Id);
    }

    [Fact]
    public void The_model_is_reminded_of_the_products_that_were_shown()
    {
        var shown = Assistant("Two kettles.") with { ProductsJson = """[{"id":"1","title":"Red kettle","price":"USD 20","condition":"New"},{"id":"2","title":"Blue kettle","price":"USD 25"}]""" };

        var told = Conversation.From([User("kettles?"), shown, User("the second one")], Limits).Messages;

        Assert.Contains("2. Blue kettle | USD 25", told[1].Content, StringComparison.Ordinal);
        Assert.Contains("1. Red kettle | USD 20 | New", told[1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public void Products_of_several_calls_are_kept_once_each_and_in_their_order()
    {
        Product Found(string id, string url) => new(id, $"Kettle {id}", "USD 20", "", url);

        var kept = ShownProducts.Json([Found("1", "https://a.example"), Found("2", "https://b.example"), Found("3", "https://a.example")]);

        Assert.Equal(["Kettle 1", "Kettle 2"], JsonDocument.Parse(kept!).RootElement.EnumerateArray().Select(product => product.GetProperty("title").GetString()));
        Assert.Null(ShownProducts.Json([]));
    }

    [Fact]
    public void A_long_history_is_cut_from_its_beginning_and_never_to_nothing()
    {
        var history = Enumerable.Range(0, 50).SelectMany(i => new[] { User($"question {i}"), Assistant(new string('x', 5_000)) }).Append(User(new string('y', 9_000))).ToArray();

        var told = Conversation.From(history, new ChatOptions { HistoryMaxChars = 12_000 }).Messages;

        Assert.Equal(9_000, told[^1].Content!.Length);
        Assert.InRange(told.Sum(message => message.Content!.Length), 9_000, 12_000);
    }

    [Fact]
    public void Files_count_with_the_history_and_the_older_ones_are_left_out_first()
    {
        var history = new[] { Sent("first", 8_000), Assistant("ok"), Sent("second", 8_000), Assistant("ok"), Sent("third", 30_000) };

        var told = Conversation.From(history, new ChatOptions { HistoryMaxChars = 12_000 }).Messages;

        Assert.Equal(["first", "ok", "second", "ok", "third"], told.Select(message => message.Content));
        Assert.Equal([0, 1, 1], told.Where(message => message.Role == "user").Select(message => message.Attachments.Count));

        static HistoryMessage Sent(string text, int size) =>
            User(text) with { AttachmentsJson = JsonSerializer.Serialize(new[] { new { type = "image/png", name = "a.png", url = "data:image/png;base64," + new string('A', size) } }) };
    }

    [Fact]
    public void Tool_calls_and_shown_products_count_with_the_history()
    {
        var calls = Assistant("", calls: ToolCallsJson.Write([new("c", "t", $$"""{"query":"{{new string('q', 9_000)}}"}""")]));
        var shown = Assistant("Look.") with { ProductsJson = $$"""[{"id":"1","title":"{{new string('k', 9_000)}}","price":"USD 20"}]""" };

        Assert.Equal(["new"], Conversation.From([User("old"), calls, Tool("c", "r"), User("new")], new ChatOptions { HistoryMaxChars = 5_000 }).Messages.Select(message => message.Content));
        Assert.Equal(["new"], Conversation.From([User("old"), shown, User("new")], new ChatOptions { HistoryMaxChars = 5_000 }).Messages.Select(message => message.Content));
    }

    [Fact]
    public void Empty_answers_of_aborted_turns_are_not_told()
    {
        var told = Conversation.From([User("hi"), Assistant(""), User("still there?")], Limits).Messages;

        Assert.Equal(["hi", "still there?"], told.Select(message => message.Content!));
    }

    [Fact]
    public void Stored_tool_calls_survive_the_way_to_the_database_and_back()
    {
        ProviderToolCall[] calls = [new("call_1", "search_web", "{\"query\":\"Blue Mountain ☕\"}"), new("call_2", "x", "not json")];

        Assert.Equal(calls, ToolCallsJson.Read(ToolCallsJson.Write(calls)));
    }

    private static HistoryMessage User(string text) => new(Guid.NewGuid(), "user", text, "completed", null, null, null, null, null);

    private static HistoryMessage Assistant(string text, string? calls = null) => new(Guid.NewGuid(), "assistant", text, "completed", calls, null, null, null, null);

    private static HistoryMessage Tool(string callId, string text) => new(Guid.NewGuid(), "tool", text, "completed", null, callId, "t", null, null);
}
