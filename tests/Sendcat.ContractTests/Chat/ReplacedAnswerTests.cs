using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>What edits and regenerations notify other tabs of, and what they leave in the database.</summary>
public sealed class ReplacedAnswerTests(FileApiFixture files) : IClassFixture<FileApiFixture>
{
    private const string Failing = "[[emu status=400]]";

    private readonly FileApi _files = files.Files;

    [Fact]
    public async Task An_edit_of_a_message_without_an_answer_is_reported_to_other_tabs()
    {
        var guest = await _files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        using var unanswered = await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "old", clientId = "m1" });
        using var events = await guest.GetAsync(
            $"/api/threads/{thread}/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await events.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        await ReadThroughAsync(reader, "ready");

        await FileApi.ChatAsync(guest, Ui(thread, """new text [[emu text="Yes."]]"""));

        Assert.Equal(
            ["messages-changed", "message user m1", "message assistant "],
            (await ReadThroughAsync(reader, "turn-ended")).Where(name => name.StartsWith("message", StringComparison.Ordinal)));
        using var messages = await guest.GetAsync($"/api/threads/{thread}/messages");
        Assert.Equal(
            ["""new text [[emu text="Yes."]]""", "Yes."],
            (await messages.JsonAsync())["items"]!.AsArray().Select(message => (string)message!["content"]!));
    }

    [Fact]
    public async Task Failed_regenerations_leave_one_turn_at_most()
    {
        var guest = await _files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await FileApi.ChatAsync(guest, Ui(thread, Failing));

        for (var n = 0; n < 4; n++)
        {
            await FileApi.ChatAsync(guest, Ui(thread, Failing, "regenerate-message"));
            // Not before the readers of the thread's events are notified of the end.
            Assert.Equal(2, await TurnsAsync(thread));
            await _files.Api.ExecuteAsync(
                $"UPDATE stream_sessions SET ended_at = ended_at - interval '2 minutes' WHERE thread_id = '{thread}'");
        }
    }

    [Fact]
    public async Task Failed_regenerations_go_with_their_message()
    {
        var guest = await _files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        using var first = await guest.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "first" });
        await FileApi.ChatAsync(guest, Ui(thread, Failing));
        await FileApi.ChatAsync(guest, Ui(thread, Failing, "regenerate-message"));

        var id = (string)(await first.JsonAsync())["id"]!;
        (await guest.DeleteAsync($"/api/threads/{thread}/messages?after={id}")).EnsureSuccessStatusCode();

        Assert.Equal(0, await TurnsAsync(thread));
    }

    /// <summary>Reads the events up to the first one of a type.</summary>
    private static async Task<List<string>> ReadThroughAsync(StreamReader reader, string type)
    {
        var events = new List<string>();
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonNode.Parse(line[6..]) is { } happened)
            {
                var name = (string)happened["type"]!;
                events.Add(name == "message" ? $"message {(string)happened["role"]!} {(string?)happened["clientId"]}" : name);
                if (name == type)
                {
                    break;
                }
            }
        }

        return events;
    }

    private Task<long> TurnsAsync(string thread) =>
        _files.Api.ScalarAsync<long>($"SELECT count(*) FROM stream_sessions WHERE thread_id = '{thread}'");

    private static object Ui(string thread, string text, string trigger = "submit-message") => new
    {
        id = thread,
        modelId = "openai/gpt-5",
        trigger,
        messages = new[] { new { id = "m1", role = "user", parts = new[] { new { type = "text", text } } } },
    };
}
