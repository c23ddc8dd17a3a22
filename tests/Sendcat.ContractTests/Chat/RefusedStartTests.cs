using System.Net;
using System.Net.Http.Json;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>A chat request that is refused after its checks have begun leaves nothing behind: no thread, and no use of a limit.</summary>
public sealed class RefusedStartTests(PostgresFixture postgres)
{
    private const string Yes = """[[emu text="Yes."]]""";

    public static TheoryData<string, string, int> RefusedFiles => new()
    {
        { "not an image", $"data:image/png;base64,{Convert.ToBase64String(new byte[3])}", 415 },
        { "not base64", "data:image/png,hello", 400 },
        { "unknown", $"/api/attachments/{Guid.Empty}", 400 },
        { "over the quota of bytes", $"data:image/png;base64,{Convert.ToBase64String(FileApi.Png(80_000))}", 409 },
    };

    [Theory]
    [MemberData(nameof(RefusedFiles))]
    public async Task Refused_files_leave_no_thread(string what, string url, int status)
    {
        await using var files = await FileApi.StartAsync(
            postgres, ("THREADS_PER_GUEST_MAX", "1"), ("BYTES_PER_GUEST_MAX", "65536"), ("RATE_LIMIT_THREAD_CREATE_MAX", "1"));
        var guest = await files.Api.GuestAsync();

        for (var n = 0; n < 2; n++)
        {
            using var refused = await guest.PostAsJsonAsync("/api/chat", Ui($"chat-{n}", "m1", Yes, url));
            Assert.True((int)refused.StatusCode == status, $"{what}: {refused.StatusCode} {await refused.Content.ReadAsStringAsync()}");
            Assert.False(refused.Headers.Contains("x-sendcat-thread-id"));
        }

        Assert.Equal(0, await ThreadsAsync(files));
        Assert.Equal("Yes.", FileApi.Answer(await FileApi.ChatAsync(guest, Ui("chat-0", "m1", Yes))));
        Assert.Equal(1, await ThreadsAsync(files));
        using var oneMore = await guest.PostAsJsonAsync("/api/chat", Ui("chat-1", "m1", Yes));
        Assert.Equal(HttpStatusCode.Conflict, oneMore.StatusCode);
    }

    [Fact]
    public async Task Starts_that_admission_refuses_use_up_no_thread()
    {
        await using var files = await FileApi.StartAsync(postgres, [("RATE_LIMIT_THREAD_CREATE_MAX", "2"), .. Enforced]);
        var guest = await files.Api.GuestAsync();
        using var running = await StartAsync(guest, Ui("chat-0", "m1", "[[emu chunks=4000 every=25ms]]"));

        for (var n = 1; n < 4; n++)
        {
            using var refused = await guest.PostAsJsonAsync("/api/chat", Ui($"chat-{n}", "m1", Yes));
            Assert.Equal((HttpStatusCode.TooManyRequests, "user_inflight"), (refused.StatusCode, Reason(refused)));
        }

        (await guest.PostAsync("/api/threads/chat-0/abort", null)).EnsureSuccessStatusCode();
        await running.Content.ReadAsStringAsync();
        Assert.Equal("Yes.", FileApi.Answer(await FileApi.ChatAsync(guest, Ui("chat-1", "m1", Yes))));
        using var beyond = await guest.PostAsJsonAsync("/api/chat", Ui("chat-2", "m1", Yes));
        Assert.Equal((HttpStatusCode.TooManyRequests, "thread_create"), (beyond.StatusCode, Reason(beyond)));
        Assert.Equal(2, await ThreadsAsync(files));
    }

    [Fact]
    public async Task A_repetition_joins_the_turn_that_begins_the_last_thread_of_the_limit()
    {
        await using var files = await FileApi.StartAsync(postgres, ("RATE_LIMIT_THREAD_CREATE_MAX", "1"));
        var guest = await files.Api.GuestAsync();
        var photo = $"data:image/png;base64,{Convert.ToBase64String(FileApi.Png())}";
        var body = Ui("chat-0", "m1", """[[emu first=500ms text="Yes."]]""", photo);

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => FileApi.ChatAsync(guest, body)));

        Assert.All(answers, answer => Assert.Equal("Yes.", FileApi.Answer(answer)));
        var stored = await files.Api.ScalarAsync<long>("SELECT count(*) FROM attachments");
        Assert.Equal((1, 1L, 1), (await ThreadsAsync(files), stored, files.Emulator.Requests.Count));
    }

    [Fact]
    public async Task Concurrent_first_messages_of_one_chat_are_all_answered_in_one_thread()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();

        for (var n = 0; n < 5; n++)
        {
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 3).Select(m => FileApi.ChatAsync(guest, Ui($"chat-{n}", $"m{m}", $"{m} {Yes}"))));

            Assert.All(answers, answer => Assert.Equal("Yes.", FileApi.Answer(answer)));
            using var response = await guest.GetAsync($"/api/threads/chat-{n}/messages");
            var messages = (await response.JsonAsync())["items"]!.AsArray();
            Assert.Equal(3, messages.Count(message => (string)message!["role"]! == "user"));
            Assert.Equal(3, messages.Count(message => (string?)message!["content"] == "Yes."));
        }

        Assert.Equal(5, await ThreadsAsync(files));
    }

    [Fact]
    public async Task A_start_that_Postgres_rejects_leaves_no_thread()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        await files.Api.ExecuteAsync("ALTER TABLE messages ADD CONSTRAINT ck_test CHECK (content NOT LIKE 'rejected%')");

        var events = await FileApi.ChatAsync(guest, Ui("chat-0", "m1", "rejected [[emu chunks=400 every=25ms]]"));

        Assert.Contains(events, happened => (string?)happened["type"] == "error");
        Assert.Equal(0, await ThreadsAsync(files));
    }

    [Fact]
    public async Task A_new_thread_is_known_when_its_answer_begins()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        using var response = await StartAsync(guest, Ui("chat-0", "m1", "[[emu chunks=4000 every=25ms]]"));

        Assert.Equal(1, await ThreadsAsync(files));
        using var stopped = await guest.PostAsync($"/api/threads/{response.Headers.GetValues("x-sendcat-thread-id").Single()}/abort", null);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    private static (string, string)[] Enforced =>
    [
        ("FF_CHAT_GATEWAY_ENABLED", "true"), ("FF_CHAT_GATEWAY_SHADOW", "false"),
        ("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true"),
    ];

    /// <summary>Starts a turn, and returns when its answer begins.</summary>
    private static async Task<HttpResponseMessage> StartAsync(HttpClient client, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(body) };
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<int> ThreadsAsync(FileApi files) => (int)await files.Api.ScalarAsync<long>("SELECT count(*) FROM threads");

    private static string? Reason(HttpResponseMessage response) =>
        response.Headers.TryGetValues("x-sendcat-error-reason", out var reasons) ? reasons.Single() : null;

    private static object Ui(string chat, string id, string text, params string[] files) => new
    {
        id = chat,
        modelId = "openai/gpt-5",
        messages = new[]
        {
            new
            {
                id,
                role = "user",
                parts = files.Select(url => (object)new { type = "file", mediaType = "image/png", filename = "a.png", url })
                    .Prepend(new { type = "text", text })
                    .ToArray(),
            },
        },
    };
}
