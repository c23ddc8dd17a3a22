using System.Net.Http.Json;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>
/// Which messages belong to an answer is stored with them: another tab may store a message while a turn with tools runs, so that it stands
/// between the messages of the answer.
/// </summary>
public sealed class AnswerOfMessageTests(PostgresFixture postgres)
{
    private const string Noon = """[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is noon."]]""";
    private const string Other = """from another tab [[emu text="Other."]]""";

    [Fact]
    public async Task Repeated_request_gets_the_whole_answer_around_a_message_of_another_tab()
    {
        await using var tabs = await TabsAsync();
        var calls = tabs.Files.Emulator.Requests.Count;

        var events = await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m1", Noon));

        Assert.Equal(
            ("It is noon.", "finish", calls), (FileApi.Answer(events), (string?)events[^1]["type"], tabs.Files.Emulator.Requests.Count));
        Assert.Contains(events, e => (string?)e["type"] == "tool-output-available");
        Assert.Equal(["user:m1", "assistant:", "tool:get_current_time", "user:m2", "assistant:It is noon."], await MessagesAsync(tabs));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Regeneration_replaces_the_named_answer_and_keeps_a_message_that_was_stored_while_it_was_written(bool namesAnswer)
    {
        await using var tabs = await TabsAsync();
        var answer = await tabs.Files.Api.ScalarAsync<Guid>(
            $"SELECT id FROM messages WHERE thread_id = '{tabs.Thread}' ORDER BY seq DESC LIMIT 1");

        await FileApi.ChatAsync(tabs.Guest, Regenerate(tabs.Thread, "m1", namesAnswer ? answer : null));

        Assert.Equal(["user:m1", "user:m2", "assistant:", "tool:get_current_time", "assistant:It is noon."], await MessagesAsync(tabs));
        Assert.Equal("Other.", FileApi.Answer(await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m2", Other))));
        Assert.Equal(
            ["user:m1", "assistant:", "tool:get_current_time", "assistant:It is noon.", "user:m2", "assistant:Other."],
            await MessagesAsync(tabs));
    }

    [Fact]
    public async Task Regeneration_of_an_earlier_answer_deletes_what_follows_it()
    {
        await using var tabs = await TabsAsync();
        await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m2", Other));

        await FileApi.ChatAsync(tabs.Guest, Regenerate(tabs.Thread, "m1", null));

        Assert.Equal(["user:m1", "assistant:", "tool:get_current_time", "assistant:It is noon."], await MessagesAsync(tabs));
    }

    [Fact]
    public async Task Model_gets_an_answer_before_the_message_that_was_stored_while_it_was_written()
    {
        await using var tabs = await TabsAsync();
        await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m3", """third [[emu text="Third."]]"""));

        var sent = tabs.Files.Emulator.Requests[^1].Body.GetProperty("messages").EnumerateArray()
            .Select(message => message.GetProperty("role").GetString());

        Assert.Equal(["user", "assistant", "tool", "assistant", "user", "user"], sent.Where(role => role != "system"));
    }

    [Fact]
    public async Task History_of_useChat_has_two_answers_that_were_written_at_the_same_time_as_two_messages()
    {
        await using var tabs = await TabsAsync();
        await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m2", Other));
        await tabs.Files.Api.ExecuteAsync(
            $"UPDATE messages SET seq = DEFAULT WHERE thread_id = '{tabs.Thread}' AND content = 'It is noon.'");

        using var response = await tabs.Guest.GetAsync($"/api/chat/{tabs.Thread}/messages");

        Assert.Equal(
            [("m1", Noon), (null, "It is noon."), ("m2", Other), (null, "Other.")],
            (await response.JsonAsync())["items"]!.AsArray().Select(message => (
                (string)message!["role"]! == "user" ? (string)message["id"]! : null,
                string.Concat(
                    message["parts"]!.AsArray().Where(part => (string)part!["type"]! == "text").Select(part => (string)part!["text"]!)))));
    }

    [Fact]
    public async Task Copy_of_a_thread_knows_its_answers()
    {
        await using var tabs = await TabsAsync();
        await FileApi.ChatAsync(tabs.Guest, Ui(tabs.Thread, "m2", Other));
        var last = await tabs.Files.Api.ScalarAsync<Guid>(
            $"SELECT id FROM messages WHERE thread_id = '{tabs.Thread}' ORDER BY seq DESC LIMIT 1");

        using var response = await tabs.Guest.PostAsJsonAsync($"/api/threads/{tabs.Thread}/branch", new { messageId = last });
        var copy = (string)(await response.JsonAsync())["id"]!;

        Assert.Equal(
            ["2", "1"],
            (await tabs.Files.Api.ScalarAsync<string>($"""
                SELECT string_agg(n::text, ',' ORDER BY first) FROM (
                  SELECT count(*) FILTER (WHERE a.role = 'assistant') AS n, min(a.seq) AS first FROM messages a
                    JOIN messages u ON u.id = a.answers_id
                  WHERE a.thread_id = '{copy}' AND u.thread_id = '{copy}' GROUP BY a.answers_id) counted
                """)).Split(','));
    }

    /// <summary>A thread in which another tab has stored a message before the last step of the first answer.</summary>
    private async Task<Tabs> TabsAsync()
    {
        var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await FileApi.ChatAsync(guest, Ui(thread, "m1", Noon));
        (await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = Other, clientId = "m2" }))
            .EnsureSuccessStatusCode();
        // The position that the last step gets when the message is stored while the tool runs.
        await files.Api.ExecuteAsync($"UPDATE messages SET seq = DEFAULT WHERE thread_id = '{thread}' AND content = 'It is noon.'");
        return new(files, guest, thread);
    }

    private static async Task<string[]> MessagesAsync(Tabs tabs)
    {
        using var response = await tabs.Guest.GetAsync($"/api/threads/{tabs.Thread}/messages?limit=100");
        return [.. (await response.JsonAsync())["items"]!.AsArray().Select(message =>
            $"{(string)message!["role"]!}:{(string?)message["clientId"] ?? (string?)message["name"] ?? (string)message["content"]!}")];
    }

    private static object Ui(string thread, string id, string text) => new
    {
        id = thread, modelId = "openai/gpt-5",
        messages = new[] { new { id, role = "user", parts = new[] { new { type = "text", text } } } },
    };

    private static object Regenerate(string thread, string lastUser, Guid? messageId) => new
    {
        id = thread, modelId = "openai/gpt-5", trigger = "regenerate-message", messageId,
        messages = new[] { new { id = lastUser, role = "user", parts = new[] { new { type = "text", text = "x" } } } },
    };

    private sealed record Tabs(FileApi Files, HttpClient Guest, string Thread) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Files.DisposeAsync();
    }
}
