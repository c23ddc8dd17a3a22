using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;
using Sendcat.TestKit.Stores;

namespace Sendcat.ContractTests.Chat;

/// <summary>One message, sent at the same time with <c>POST /api/chat</c> and with <c>POST /api/threads/{id}/messages</c>.</summary>
public sealed class SameMessageOnTwoRoutesTests(PostgresFixture postgres)
{
    private const string Text = """[[emu text="Yes."]]""";

    [Fact]
    public async Task Message_is_stored_once_and_answered_once()
    {
        await using var files = await FileApi.StartAsync(
            postgres, ("POSTGRES_GATE_TIMEOUT_MS", "60000"), ("POSTGRES_STATEMENT_TIMEOUT_MS", "60000"));
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        var photo = FileApi.Png();
        var uploaded = await FileApi.UploadAsync(guest, photo);
        var body = new
        {
            id = thread, modelId = "openai/gpt-5",
            messages = new[]
            {
                new
                {
                    id = "m1", role = "user",
                    parts = new object[]
                    {
                        new { type = "text", text = Text },
                        new
                        {
                            type = "file", mediaType = "image/png", filename = "a.png",
                            url = $"data:image/png;base64,{Convert.ToBase64String(photo)}",
                        },
                    },
                },
            },
        };

        List<JsonNode> first;
        await using (var locked = await LockedTable.LockAsync(files.Api.ConnectionString, "attachments", "SHARE"))
        {
            // The chat request has read the thread without the message, and stores its file after the other request has stored the message.
            var chatting = FileApi.ChatAsync(guest, body);
            await locked.WaitForAsync("reserve attachment");
            var storing = guest.PostAsJsonAsync(
                $"/api/threads/{thread}/messages",
                new { content = Text, clientId = "m1", attachments = new[] { new { storageId = uploaded } } });
            await locked.WaitForAsync("append message");
            await locked.ReleaseAsync();
            using var stored = await storing;
            stored.EnsureSuccessStatusCode();
            first = await chatting;
        }

        var again = await FileApi.ChatAsync(guest, body);

        Assert.Equal(("Yes.", "Yes.", 1), (FileApi.Answer(first), FileApi.Answer(again), files.Emulator.Requests.Count));
        var messages = (await (await guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray();
        Assert.Equal(
            [$"user {Text}", "assistant Yes."], messages.Select(message => $"{(string)message!["role"]!} {(string)message["content"]!}"));
        Assert.Equal(
            1L,
            await files.Api.ScalarAsync<long>(
                "SELECT count(*) FROM messages a JOIN messages u ON u.id = a.answers_id WHERE a.role = 'assistant' AND u.role = 'user'"));
    }
}
