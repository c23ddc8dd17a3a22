using System.Text.Json;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Tools;

namespace Sendcat.UnitTests.Chat;

public sealed class ConversationTests
{
    private static readonly ChatOptions Limits = new();

    [Fact]
    public void A_tool_call_without_a_result_gets_a_synthetic_result()
    {
        var history = new[]
        {
            User("hi"), Assistant("", calls: ToolCallsJson.Write([new("c1", "search_web", "{}"), new("c2", "get_current_time", "{}")])),
            Tool("c2", "noon"), User("and?"),
        };

        var messages = Conversation.From(history, Limits).Messages;

        Assert.Equal(["user", "assistant", "tool", "tool", "user"], messages.Select(message => message.Role));
        Assert.Contains("interrupted", messages[2].Content, StringComparison.Ordinal);
        Assert.Equal(("c1", "noon"), (messages[2].ToolCallId, messages[3].Content));
    }

    [Fact]
    public void Arguments_that_are_not_a_JSON_object_are_sent_as_an_empty_one()
    {
        ProviderToolCall[] calls =
        [
            new("c1", "search_web", """{"query":"ket"""), new("c2", "search_web", """{"query":"kettle"}"""), new("c3", "search_web", ""),
        ];
        var conversation = Conversation.From([User("hi"), Assistant("Let me look.", calls: ToolCallsJson.Write(calls))], Limits);
        conversation.AddToolCalls("", calls, reasoningDetailsJson: null);

        Assert.All(
            conversation.Messages.Where(message => message.ToolCalls.Count > 0),
            message => Assert.Equal(["{}", """{"query":"kettle"}""", "{}"], message.ToolCalls.Select(call => call.ArgumentsJson)));
    }

    [Fact]
    public void A_tool_result_without_its_call_is_left_out()
    {
        var messages = Conversation.From([Tool("gone", "text"), User("hi")], Limits).Messages;

        Assert.Equal("hi", Assert.Single(messages).Content);
    }

    [Fact]
    public void Text_of_a_message_with_tool_calls_is_sent_to_the_model()
    {
        var messages = Conversation.From(
            [User("hi"), Assistant("Let me look.", calls: ToolCallsJson.Write([new("c", "t", "{}")])), Tool("c", "r")], Limits).Messages;

        Assert.Equal("Let me look.", messages[1].Content);
        Assert.Equal("c", Assert.Single(messages[1].ToolCalls).Id);
    }

    [Fact]
    public void Shown_products_are_listed_in_the_history_that_the_model_gets()
    {
        var shown = Assistant("Two kettles.") with { ProductsJson = """[{"id":"1","title":"Red kettle","price":"USD 20","condition":"New"},{"id":"2","title":"Blue kettle","price":"USD 25"}]""" };

        var messages = Conversation.From([User("kettles?"), shown, User("the second one")], Limits).Messages;

        Assert.Contains("2. Blue kettle | USD 25", messages[1].Content, StringComparison.Ordinal);
        Assert.Contains("1. Red kettle | USD 20 | New", messages[1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public void Products_of_several_calls_are_deduplicated_by_url_in_their_order()
    {
        Product Kettle(string id, string url) => new(id, $"Kettle {id}", "USD 20", "", url);

        var json = ShownProducts.Json(
            [Kettle("1", "https://a.example"), Kettle("2", "https://b.example"), Kettle("3", "https://a.example")]);

        Assert.Equal(
            ["Kettle 1", "Kettle 2"],
            JsonDocument.Parse(json!).RootElement.EnumerateArray().Select(product => product.GetProperty("title").GetString()));
        Assert.Null(ShownProducts.Json([]));
    }

    [Fact]
    public void A_long_history_loses_its_oldest_messages_and_never_the_last_one()
    {
        var history = Enumerable.Range(0, 50).SelectMany(i => new[] { User($"question {i}"), Assistant(new string('x', 5_000)) })
            .Append(User(new string('y', 9_000))).ToArray();

        var messages = Conversation.From(history, new ChatOptions { HistoryMaxChars = 12_000 }).Messages;

        Assert.Equal(9_000, messages[^1].Content!.Length);
        Assert.InRange(messages.Sum(message => message.Content!.Length), 9_000, 12_000);
    }

    [Fact]
    public void Attachments_count_towards_the_history_limit_and_the_oldest_are_left_out_first_with_a_reason()
    {
        var history = new[]
        {
            WithAttachment("first", 8_000), Assistant("ok"), WithAttachment("second", 8_000), Assistant("ok"),
            WithAttachment("third", 30_000),
        };

        var messages = Conversation.From(history, new ChatOptions { HistoryMaxChars = 12_000 }).Messages;

        Assert.Equal(["first", "ok", "second", "ok", "third"], messages.Select(message => message.Content));
        Assert.Equal(["too_many_bytes", null, null], messages.SelectMany(message => message.Attachments).Select(file => file.LeftOut));

        static HistoryMessage WithAttachment(string text, int size) =>
            User(text) with
            {
                AttachmentsJson = JsonSerializer.Serialize(
                    new[] { new { type = "image/png", name = "a.png", url = "data:image/png;base64," + new string('A', size) } }),
            };
    }

    [Fact]
    public void One_call_sends_ten_MiB_of_files_at_most_the_newest_first()
    {
        HistoryMessage[] history = [WithFile("first", 1), Assistant("ok"), WithFile("second", 6), Assistant("ok"), WithFile("third", 5)];

        var files = Conversation.From(history, Limits).Messages.SelectMany(message => message.Attachments).ToArray();

        Assert.Equal(["too_many_bytes", "too_many_bytes", null], files.Select(file => file.LeftOut));
        Assert.Equal("attachments/ab/01990000-0000-7000-8000-0000000000ab", files[2].Key);
        Assert.Equal(("image/png", "a.png", 5 * 1024 * 1024L), (files[2].MediaType, files[2].Name, files[2].Size));

        static HistoryMessage WithFile(string text, int mebibytes) => User(text) with
        {
            AttachmentsJson = $$"""[{"storageId":"01990000-0000-7000-8000-0000000000ab","type":"image/png","name":"a.png","size":{{mebibytes * 1024 * 1024}}}]""",
        };
    }

    [Fact]
    public void A_file_that_was_deleted_is_left_out_with_a_reason_and_takes_no_bytes()
    {
        const string Deleted = "01990000-0000-7000-8000-00000000000d";
        const string Kept = "01990000-0000-7000-8000-0000000000ab";
        var history = User("two") with
        {
            AttachmentsJson = $$"""[{"storageId":"{{Kept}}","type":"image/png","size":1000},{"storageId":"{{Deleted}}","type":"image/png","size":20000000}]""",
            Files = [Guid.Parse(Kept)],
        };

        var files = Conversation.From([history], Limits).Messages.SelectMany(message => message.Attachments);

        Assert.Equal([(Kept, null), (Deleted, "file_missing")], files.Select(file => (file.Id!, file.LeftOut)));
    }

    [Fact]
    public void Tool_calls_and_shown_products_count_towards_the_history_limit()
    {
        var calls = Assistant("", calls: ToolCallsJson.Write([new("c", "t", $$"""{"query":"{{new string('q', 9_000)}}"}""")]));
        var shown = Assistant("Look.") with { ProductsJson = $$"""[{"id":"1","title":"{{new string('k', 9_000)}}","price":"USD 20"}]""" };

        Assert.Equal(
            ["new"],
            Conversation.From(
                [User("old"), calls, Tool("c", "r"), User("new")],
                new ChatOptions { HistoryMaxChars = 5_000 }).Messages.Select(message => message.Content));
        Assert.Equal(
            ["new"],
            Conversation.From(
                [User("old"), shown, User("new")],
                new ChatOptions { HistoryMaxChars = 5_000 }).Messages.Select(message => message.Content));
    }

    [Fact]
    public void Empty_answers_of_aborted_turns_are_left_out()
    {
        var messages = Conversation.From([User("hi"), Assistant(""), User("still there?")], Limits).Messages;

        Assert.Equal(["hi", "still there?"], messages.Select(message => message.Content!));
    }

    [Fact]
    public void Tool_calls_survive_a_round_trip_through_their_stored_json()
    {
        ProviderToolCall[] calls = [new("call_1", "search_web", "{\"query\":\"Blue Mountain ☕\"}"), new("call_2", "x", "not json")];

        Assert.Equal(calls, ToolCallsJson.Read(ToolCallsJson.Write(calls)));
    }

    private static HistoryMessage User(string text) => new(Guid.NewGuid(), "user", text, "completed", null, null, null, null, null);

    private static HistoryMessage Assistant(string text, string? calls = null) =>
        new(Guid.NewGuid(), "assistant", text, "completed", calls, null, null, null, null);

    private static HistoryMessage Tool(string callId, string text) =>
        new(Guid.NewGuid(), "tool", text, "completed", null, callId, "t", null, null);
}
