using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ContractTests.Chat;

/// <summary><c>GET /api/chat/{id}/messages</c>: what <c>useChat</c> shows after a reload is what the stream showed.</summary>
public sealed class UiHistoryTests(PostgresFixture postgres)
{
    private static readonly Product Kettle = new("g-2", "Blue kettle", "$25.00", "https://i.example/2.jpg", "https://shop.example/2")
    {
        Source = "global",
    };

    [Fact]
    public async Task An_answer_of_several_steps_is_one_message_with_the_id_of_its_start_event()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();

        var turn = TurnAsync(guest, "c1", "m1",
            """[[emu call=1 tool=search_web id=call_1 args={"query":"Kettles"} tool=search_products id=call_2 args={"query":"kettle"}]] [[emu call=2 text="Done."]]""");
        var web = await chat.ClaimAsync(QueuedTool.SearchWeb.Lane);
        await chat.Leases.CompleteAsync(web.Lease, JsonSerializer.Serialize(
            new SearchWebResult(
                "search_web", "for logs", "[]", [new SearchWebHit("Kettles – tested", "https://a.example/", "All of them.")]),
            ToolJson.Default.SearchWebResult));
        var products = await chat.ClaimAsync(QueuedTool.SearchProducts.Lane);
        await chat.Leases.CompleteAsync(
            products.Lease,
            JsonSerializer.Serialize(new ProductsResult("search_products", [Kettle], 0, 1, []), ToolJson.Default.ProductsResult));
        var events = await turn;
        var messages = await HistoryAsync(guest, "c1");

        var start = events.First(e => (string)e["type"]! == "start");
        var (user, answer) = (messages[0], messages[1]);
        Assert.Equal(2, messages.Count);
        Assert.Equal(("m1", "user"), ((string)user["id"]!, (string)user["role"]!));
        Assert.Equal((string)start["messageId"]!, (string)answer["id"]!);
        Assert.Equal((string)start["messageMetadata"]!["streamId"]!, (string)answer["metadata"]!["streamId"]!);
        Assert.Equal("completed", (string)answer["metadata"]!["status"]!);
        Assert.Equal(
            ["step-start", "tool-search_web", "source-url", "tool-search_products", "step-start", "data-step", "text"], Types(answer));
        var parts = answer["parts"]!.AsArray();
        Assert.Equal("Done.", (string)parts[^1]!["text"]!);
        Assert.All(
            [("source-url", parts[2]), ("data-step", parts[5])],
            part => Assert.True(
                JsonNode.DeepEquals(events.First(e => (string)e["type"]! == part.Item1), part.Item2), part.Item2!.ToJsonString()));
        foreach (var part in new[] { parts[1]!, parts[3]! })
        {
            var output = events.Last(
                e => (string)e["type"]! == "tool-output-available" && (string)e["toolCallId"]! == (string)part["toolCallId"]!)["output"]!;
            Assert.Equal("output-available", (string)part["state"]!);
            Assert.True(JsonNode.DeepEquals(output, part["output"]), $"{output}\n{part["output"]}");
        }
    }

    [Fact]
    public async Task A_failed_tool_call_is_an_error_of_its_part_and_in_the_answer_to_a_repeated_request()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();

        const string question = """[[emu call=1 tool=search_web id=call_1 args={"query":"x"}]] [[emu call=2 text="Sorry."]]""";
        var turn = TurnAsync(guest, "c1", "m1", question);
        await chat.Leases.FailAsync(
            (await chat.ClaimAsync(QueuedTool.SearchWeb.Lane)).Lease, "SERPER_API_KEY is not set.", retryable: false);
        var events = await turn;
        var repeated = await TurnAsync(guest, "c1", "m1", question);
        var part = (await HistoryAsync(guest, "c1"))[1]["parts"]![1]!;

        var error = (string)events.Single(e => (string)e["type"]! == "tool-output-error")["errorText"]!;
        Assert.Equal("output-error", (string)part["state"]!);
        Assert.Equal(error, (string)part["errorText"]!);
        Assert.Null(part["output"]);
        Assert.Equal(
            error, (string)repeated.Single(e => ((string)e["type"]!).StartsWith("tool-output", StringComparison.Ordinal))["errorText"]!);
    }

    [Theory]
    [InlineData("stall-after=3", "aborted")]
    [InlineData("cut-after=3 cut=fin", "error")]
    public async Task A_tool_call_that_was_cut_while_the_model_wrote_it_is_an_error_of_its_part(string fault, string status)
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();
        var question = $$$"""[[emu call=1 text="Let me look." tool=search_web id=call_1 args={"query":"kettles and teapots"} tool-split=8 {{{fault}}}]] [[emu call=2 text="never"]]""";

        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(Body("c1", "m1", question)),
        };
        using var response = await guest.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var events = new List<JsonNode>();
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                events.Add(JsonNode.Parse(line["data: ".Length..])!);
                if (status == "aborted"
                    && (string)events[^1]["type"]! == "tool-input-delta"
                    && events.Count(e => (string)e["type"]! == "tool-input-delta") == 1)
                {
                    (await guest.PostAsync("/api/threads/c1/abort", null)).EnsureSuccessStatusCode();
                }
            }
        }

        var streamed = string.Concat(events.Where(e => (string)e["type"]! == "tool-input-delta").Select(e => (string)e["inputTextDelta"]!));
        var answer = (await HistoryAsync(guest, "c1"))[1];
        var part = answer["parts"]!.AsArray()[^1]!;
        Assert.Equal(status, (string)answer["metadata"]!["status"]!);
        Assert.NotEqual("", streamed);
        Assert.Equal(
            ("tool-search_web", "call_1", "output-error"), ((string)part["type"]!, (string)part["toolCallId"]!, (string)part["state"]!));
        Assert.Equal(streamed, (string)part["rawInput"]!);
        Assert.Contains("interrupted", (string)part["errorText"]!, StringComparison.Ordinal);

        // The thread stays usable: a provider that checks arguments accepts what later turns send.
        await TurnAsync(guest, "c1", "m2", """[[emu text="Still here."]]""");
        var sent = chat.Model.Requests[^1].Body.GetProperty("messages").EnumerateArray()
            .First(message => message.TryGetProperty("tool_calls", out _));
        Assert.Equal("{}", sent.GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());

        // A late repetition gets what is stored: the call is interrupted, and its arguments never were complete.
        var repeated = await TurnAsync(guest, "c1", "m1", question);
        Assert.Equal(
            ["tool-input-start", "tool-input-delta", "tool-output-error"],
            repeated.Select(e => (string)e["type"]!).Where(type => type.StartsWith("tool-", StringComparison.Ordinal)));
        Assert.Equal(streamed, (string)repeated.Single(e => (string)e["type"]! == "tool-input-delta")["inputTextDelta"]!);
        Assert.Contains(
            "interrupted", (string)repeated.Single(e => (string)e["type"]! == "tool-output-error")["errorText"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_answer_can_be_requested_by_the_id_that_the_history_gives()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();
        await TurnAsync(guest, "c1", "m1", """[[emu call=1 tool=get_current_time]] [[emu call=2 text="Late."]]""");
        await TurnAsync(guest, "c1", "m2", """[[emu text="Second."]]""");
        var old = (string)(await HistoryAsync(guest, "c1"))[1]["id"]!;

        var events = await EventsAsync(
            await guest.PostAsJsonAsync(
                "/api/chat", new { id = "c1", messages = Array.Empty<object>(), trigger = "regenerate-message", messageId = old }));
        var messages = await HistoryAsync(guest, "c1");

        Assert.Equal(["user", "assistant"], messages.Select(message => (string)message["role"]!));
        Assert.Equal((string)events.First(e => (string)e["type"]! == "start")["messageId"]!, (string)messages[1]["id"]!);
        Assert.NotEqual(old, (string)messages[1]["id"]!);
    }

    [Fact]
    public async Task Photos_and_the_status_of_an_answer_are_in_the_history_and_the_status_is_in_the_stream()
    {
        await using var files = await FileApi.StartAsync(postgres);
        using var guest = await files.Api.GuestAsync();
        var png = FileApi.Png(70);
        var photo = $"data:image/png;base64,{Convert.ToBase64String(png)}";

        var failed = await TurnAsync(
            guest, "c1", "m1", "[[emu chunks=20 error-after=5 code=502]]",
            new { type = "file", mediaType = "image/png", filename = "shoes.png", url = photo });
        var messages = await HistoryAsync(guest, "c1");

        Assert.Equal(["file", "text"], Types(messages[0]));
        var file = messages[0]["parts"]![0]!;
        Assert.Equal(("image/png", "shoes.png"), ((string)file["mediaType"]!, (string)file["filename"]!));
        Assert.Equal(png, await guest.GetByteArrayAsync((string)file["url"]!));
        Assert.Equal("error", (string)messages[1]["metadata"]!["status"]!);
        Assert.Contains(failed, e => (string)e["type"]! == "message-metadata" && (string?)e["messageMetadata"]!["status"] == "error");

        // The same file by its path is no edit: the request gets the answer again.
        var again = await guest.PostAsJsonAsync(
            "/api/chat", new { id = "c1", messages = new[] { messages[0] }, trigger = "submit-message" });
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(2, (await HistoryAsync(guest, "c1")).Count);
    }

    [Fact]
    public async Task Pages_go_back_and_keep_a_message_and_its_answer_together()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();
        foreach (var number in new[] { 1, 2, 3 })
        {
            await TurnAsync(guest, "c1", $"m{number}", $"""[[emu text="Answer {number}."]]""");
        }

        var last = await (await guest.GetAsync("/api/chat/c1/messages?limit=3")).JsonAsync();
        var first = await (await guest.GetAsync($"/api/chat/c1/messages?limit=3&cursor={last["nextCursor"]}")).JsonAsync();

        Assert.Equal(["m2", "Answer 2.", "m3", "Answer 3."], Shown(last));
        Assert.Equal(["m1", "Answer 1."], Shown(first));
        Assert.Null(first["nextCursor"]);
    }

    [Fact]
    public async Task An_id_without_a_thread_has_no_messages_and_a_foreign_thread_is_refused()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();
        var foreign = await chat.StartThreadAsync("mine");

        Assert.Equal("""{"items":[]}""", await guest.GetStringAsync("/api/chat/bRmWVV52AoMMb0lV/messages"));
        await (await guest.GetAsync($"/api/chat/{foreign}/messages")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await chat.Api.Anyone.GetAsync("/api/chat/c1/messages")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await guest.GetAsync("/api/chat/c1/messages?cursor=x")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await guest.GetAsync("/api/chat/c1/messages?limit=0")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_message_that_was_stored_during_an_answer_follows_it()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        using var guest = await chat.Api.GuestAsync();
        var turn = TurnAsync(
            guest, "c1", "m1", """[[emu call=1 tool=search_web id=call_1 args={"query":"x"}]] [[emu call=2 text="First."]]""");
        var job = await chat.ClaimAsync(QueuedTool.SearchWeb.Lane);
        await (await guest.PostAsJsonAsync("/api/threads/c1/messages", new { content = "and another", clientId = "m2" })).JsonAsync();
        var during = await HistoryAsync(guest, "c1");
        await chat.Leases.FailAsync(job.Lease, "no", retryable: false);
        await turn;

        Assert.Equal(["m1", "m2"], during.Select(message => (string)message["id"]!));
        var messages = await HistoryAsync(guest, "c1");
        Assert.Equal(["user", "assistant", "user"], messages.Select(message => (string)message["role"]!));
        Assert.Equal("First.", (string)messages[1]["parts"]!.AsArray()[^1]!["text"]!);
    }

    private static async Task<IReadOnlyList<JsonNode>> TurnAsync(
        HttpClient guest, string id, string messageId, string text, params object[] files) =>
        await EventsAsync(await guest.PostAsJsonAsync("/api/chat", Body(id, messageId, text, files)));

    private static object Body(string id, string messageId, string text, params object[] files) => new
    {
        id, webSearch = true, trigger = "submit-message",
        messages = new[] { new { id = messageId, role = "user", parts = files.Append(new { type = "text", text }) } },
    };

    private static async Task<IReadOnlyList<JsonNode>> EventsAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return [
            .. text.Split("\n\n").Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
                .Select(line => JsonNode.Parse(line["data: ".Length..])!)];
    }

    private static async Task<IReadOnlyList<JsonNode>> HistoryAsync(HttpClient guest, string id) =>
        [.. (await (await guest.GetAsync($"/api/chat/{id}/messages")).JsonAsync())["items"]!.AsArray().Select(item => item!)];

    private static IEnumerable<string> Types(JsonNode message) => message["parts"]!.AsArray().Select(part => (string)part!["type"]!);

    /// <summary>The ids of the user messages and the texts of the answers.</summary>
    private static IEnumerable<string> Shown(JsonNode page) =>
        page["items"]!.AsArray().Select(
            item => (string)item!["role"]! == "user" ? (string)item["id"]! : (string)item["parts"]!.AsArray()[^1]!["text"]!);
}
