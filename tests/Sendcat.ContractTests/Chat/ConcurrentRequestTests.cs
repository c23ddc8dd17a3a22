using System.Net.Http.Json;
using Sendcat.ContractTests.Attachments;

namespace Sendcat.ContractTests.Chat;

/// <summary>Requests that mean one message, at the same time: one turn answers it, in every mode of the gateway.</summary>
public sealed class ConcurrentRequestTests(PostgresFixture postgres)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("legacy")]
    [InlineData("shadow")]
    [InlineData("authoritative")]
    public async Task Identical_requests_call_the_model_once(string mode)
    {
        const int Rounds = 10;
        await using var files = await FileApi.StartAsync(postgres, Mode(mode));
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        var photo = $"data:image/png;base64,{Convert.ToBase64String(FileApi.Png(5_000))}";
        var answers = new List<string>();
        for (var n = 0; n < Rounds; n++)
        {
            var body = Ui(thread, $"m{n}", """[[emu text="Yes."]]""", photo);
            answers.AddRange(await BothAsync(guest, body, body));
        }

        var messages = await MessagesAsync(guest, thread);
        Assert.Equal(
            2 * Rounds,
            answers.Count(
                answer => answer.StartsWith("200 ", StringComparison.Ordinal) && answer.Contains("Yes.", StringComparison.Ordinal)));
        Assert.Equal(
            (Rounds, (long)Rounds, Rounds, Rounds),
            (files.Emulator.Requests.Count, await files.Api.ScalarAsync<long>("SELECT count(*) FROM attachments"),
                messages.Count(message => message.StartsWith("user:", StringComparison.Ordinal)),
                messages.Count(message => message == "assistant:Yes.")));
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("authoritative")]
    public async Task Identical_edits_call_the_model_once(string mode)
    {
        const string Edited = """[[emu first=1s text="New."]]""";
        await using var files = await FileApi.StartAsync(postgres, Mode(mode));
        var guest = await files.Api.GuestAsync();
        var results = new List<string>();
        for (var n = 0; n < 5; n++)
        {
            var thread = await FileApi.NewThreadAsync(guest);
            await FileApi.ChatAsync(guest, Ui(thread, "m1", """[[emu text="Old."]]"""));
            var before = files.Emulator.Requests.Count;

            var both = await BothAsync(guest, Ui(thread, "m1", Edited), Ui(thread, "m1", Edited));

            results.Add(
                $"{string.Join('+', both.Select(answer => answer[..3]))}, {files.Emulator.Requests.Count - before} calls, "
                + $"{string.Join(" | ", await MessagesAsync(guest, thread))}");
        }

        Assert.Equal([$"200+200, 1 calls, user:{Edited} | assistant:New."], results.Distinct());
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("authoritative")]
    public async Task Different_edits_leave_the_answer_of_the_stored_text(string mode)
    {
        await using var files = await FileApi.StartAsync(postgres, Mode(mode));
        var guest = await files.Api.GuestAsync();
        var threads = new List<string>();
        for (var n = 0; n < 8; n++)
        {
            var thread = await FileApi.NewThreadAsync(guest);
            await FileApi.ChatAsync(guest, Ui(thread, "m1", """[[emu text="Old."]]"""));

            await BothAsync(guest, Ui(thread, "m1", """[[emu text="A."]]"""), Ui(thread, "m1", """[[emu text="B."]]"""));

            threads.Add(string.Join(" | ", await MessagesAsync(guest, thread)));
        }

        Assert.All(threads, messages => Assert.Contains(
            messages, (string[])["""user:[[emu text="A."]] | assistant:A.""", """user:[[emu text="B."]] | assistant:B."""]));
    }

    [Fact]
    public async Task Edits_of_two_messages_leave_only_answers_of_stored_texts()
    {
        await using var files = await FileApi.StartAsync(postgres);
        var guest = await files.Api.GuestAsync();
        var threads = new List<string>();
        for (var n = 0; n < 6; n++)
        {
            var thread = await FileApi.NewThreadAsync(guest);
            await FileApi.ChatAsync(guest, Ui(thread, "m1", """[[emu text="Old."]]"""));
            await FileApi.ChatAsync(guest, Ui(thread, "m2", """[[emu text="Older."]]"""));

            await BothAsync(guest, Ui(thread, "m2", """[[emu text="Later."]]"""), Ui(thread, "m1", """[[emu text="Earlier."]]"""));

            threads.Add(string.Join(" | ", await MessagesAsync(guest, thread)));
        }

        // The later message is new if it arrives after the edit that has deleted it.
        Assert.All(threads, messages => Assert.Equal(
            (true, messages.Contains("assistant:Later.", StringComparison.Ordinal)),
            (
                messages.Contains("""user:[[emu text="Earlier."]]""", StringComparison.Ordinal)
                    && messages.Contains("assistant:Earlier.", StringComparison.Ordinal)
                        && !messages.Contains("Old", StringComparison.Ordinal),
                        messages.Contains("""user:[[emu text="Later."]]""", StringComparison.Ordinal))));
    }

    private static async Task<string[]> BothAsync(HttpClient guest, object first, object second)
    {
        return await Task.WhenAll(SendAsync(first), SendAsync(second)).WaitAsync(MaxWait);

        async Task<string> SendAsync(object body)
        {
            using var response = await guest.PostAsJsonAsync("/api/chat", body);
            return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        }
    }

    private static async Task<string[]> MessagesAsync(HttpClient guest, string thread)
    {
        using var response = await guest.GetAsync($"/api/threads/{thread}/messages?limit=100");
        return [
            .. (await response.JsonAsync())["items"]!.AsArray()
                .Select(message => $"{(string)message!["role"]!}:{(string)message["content"]!}")];
    }

    private static (string, string)[] Mode(string mode) => mode == "legacy" ? [] :
    [
        ("FF_CHAT_GATEWAY_ENABLED", "true"), ("FF_CHAT_GATEWAY_SHADOW", mode == "shadow" ? "true" : "false"),
        ("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true"),
    ];

    private static object Ui(string thread, string id, string text, params string[] files) => new
    {
        id = thread,
        modelId = "openai/gpt-5",
        messages = new[]
        {
            new
            {
                id,
                role = "user",
                parts = new object[] { new { type = "text", text } }.Concat(
                    files.Select(url => (object)new { type = "file", mediaType = "image/png", filename = "a.png", url })).ToArray(),
            },
        },
    };
}
