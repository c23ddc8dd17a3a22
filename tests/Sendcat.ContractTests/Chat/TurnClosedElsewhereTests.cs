using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>
/// Turns that are closed in Postgres before the model has finished: the last event says what is stored, not what the model did.
/// </summary>
public sealed class TurnClosedElsewhereTests(PostgresFixture postgres)
{
    private const string Prompt = """[[emu text="one two three" chunks=3 first=2s every=0]]""";

    [Theory]
    [InlineData(
        "UPDATE stream_sessions SET status = 'aborted'; UPDATE messages SET status = 'aborted' WHERE role = 'assistant'", "aborted",
        "user: | assistant:aborted")]
    [InlineData(
        "UPDATE stream_sessions SET status = 'error'; UPDATE messages SET status = 'error' WHERE role = 'assistant'", "internal_error",
        "user: | assistant:error")]
    [InlineData("DELETE FROM messages WHERE role = 'assistant'", "aborted", "user:")]
    [InlineData("DELETE FROM messages", "aborted", "")]
    [InlineData("DELETE FROM threads", "thread_deleted", null)]
    public async Task Last_event_of_a_turn_that_another_replica_has_closed_is_what_is_stored(string sql, string last, string? stored)
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        using var turn = await StartAsync(guest, new { threadId = thread, message = Prompt, modelId = "openai/gpt-5" });

        await files.Api.ExecuteAsync(sql);

        Assert.Equal(last, await LastAsync(turn));
        if (stored is not null)
        {
            Assert.Equal(stored, await StoredAsync(guest, thread));
        }
    }

    [Fact]
    public async Task Turn_whose_thread_is_deleted_ends_with_a_code_of_its_own()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        using var turn = await StartAsync(guest, new { threadId = thread, message = Prompt, modelId = "openai/gpt-5" });

        (await guest.DeleteAsync($"/api/threads/{thread}")).EnsureSuccessStatusCode();

        Assert.Equal("thread_deleted", await LastAsync(turn));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?stream=ui")]
    public async Task Streams_of_a_deleted_account_end_with_their_last_event(string query)
    {
        await using var files = await FileApi.StartAsync(postgres);
        var (user, _) = await files.Api.UserAsync();
        var thread = await FileApi.NewThreadAsync(user);
        using var turn = await StartAsync(user, new { threadId = thread, message = "[[emu chunks=600 every=100ms]]" }, query);
        using var events = await user.GetAsync($"/api/threads/{thread}/events", HttpCompletionOption.ResponseHeadersRead);

        (await user.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" })).EnsureSuccessStatusCode();

        Assert.Contains("thread_deleted", await turn.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("closed", await LastAsync(events));
    }

    [Fact]
    public async Task Turn_whose_answer_is_deleted_ends_as_aborted()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        using var turn = await StartAsync(guest, new { threadId = thread, message = Prompt, clientId = "m1", modelId = "openai/gpt-5" });
        var question = (string)(await MessagesAsync(guest, thread))[0]!["id"]!;

        (await guest.DeleteAsync($"/api/threads/{thread}/messages?after={question}")).EnsureSuccessStatusCode();

        Assert.Equal("aborted", await LastAsync(turn));
        Assert.Equal("user:", await StoredAsync(guest, thread));
    }

    [Fact]
    public async Task Regeneration_whose_question_is_deleted_before_its_first_content_ends_as_aborted()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await FileApi.ChatAsync(guest, new { threadId = thread, message = """[[emu text="First."]]""", modelId = "openai/gpt-5" });
        await FileApi.ChatAsync(guest, new { threadId = thread, message = Prompt, clientId = "m2", modelId = "openai/gpt-5" });
        var question = (string)(await MessagesAsync(guest, thread))[0]!["id"]!;
        using var turn = await StartAsync(guest, new
        {
            id = thread, modelId = "openai/gpt-5", trigger = "regenerate-message",
            messages = new[] { new { id = "m2", role = "user", parts = new[] { new { type = "text", text = Prompt } } } },
        });
        while (await files.Api.ScalarAsync<long>("SELECT count(*) FROM stream_sessions WHERE status = 'streaming'") == 0)
        {
            // The start of a regeneration is committed within 50 ms, and nothing reports it.
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        (await guest.DeleteAsync($"/api/threads/{thread}/messages?after={question}")).EnsureSuccessStatusCode();

        Assert.Equal("abort", await LastAsync(turn));
        Assert.Equal("user:", await StoredAsync(guest, thread));
    }

    /// <summary>Starts a turn.</summary>
    /// <returns>The response after its first event: the user's message and the turn are committed.</returns>
    private static async Task<HttpResponseMessage> StartAsync(HttpClient guest, object body, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/chat{query}") { Content = JsonContent.Create(body) };
        return (await guest.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)).EnsureSuccessStatusCode();
    }

    /// <returns>The code of the last event if it is an error, else its type.</returns>
    private static async Task<string> LastAsync(HttpResponseMessage turn)
    {
        var text = await turn.Content.ReadAsStringAsync();
        var last = JsonNode.Parse(text.Split('\n').Last(line => line.StartsWith("data: {", StringComparison.Ordinal))["data: ".Length..])!;
        return (string?)last["code"] ?? (string)last["type"]!;
    }

    private static async Task<JsonArray> MessagesAsync(HttpClient guest, string thread) =>
        (await (await guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray();

    /// <returns>Role and status of each message; a user's message has no status here.</returns>
    private static async Task<string> StoredAsync(HttpClient guest, string thread) => string.Join(
        " | ",
        (await MessagesAsync(guest, thread)).Select(
            message => $"{(string)message!["role"]!}:{((string)message["role"]! == "user" ? "" : (string?)message["status"])}"));
}
