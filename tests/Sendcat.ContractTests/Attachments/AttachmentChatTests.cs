using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Attachments;

/// <summary>The files of a message reach the model. The emulated model says the hash of what it received.</summary>
public sealed class AttachmentChatTests(PostgresFixture postgres, FileApiFixture fixture) : IClassFixture<FileApiFixture>, IAsyncLifetime
{
    private readonly FileApi _files = fixture.Files;
    private HttpClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _files.Api.GuestAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData("folder", "0", "data:")]
    [InlineData("s3", "0", "data:")]
    [InlineData("s3", "60", "http://")]
    public async Task A_photo_and_a_bill_reach_the_model_from_every_store(string store, string linkSeconds, string address)
    {
        await using var files = await FileApi.StartAsync(postgres, ("FILES_STORE", store), ("FILES_S3_LINK_SECONDS", linkSeconds));
        var guest = await files.Api.GuestAsync();
        var (photo, bill) = (FileApi.Png(300_000), FileApi.Pdf(1_000_001));
        var thread = await FileApi.NewThreadAsync(guest);
        (await FileApi.SendAsync(
            guest, thread, "what is this?", await FileApi.UploadAsync(guest, photo),
            await FileApi.UploadAsync(guest, bill, "bill.pdf"))).EnsureSuccessStatusCode();

        var events = await FileApi.ChatAsync(guest, new { threadId = thread, modelId = "openai/gpt-5" });

        Assert.StartsWith(
            $"I see an image (image/png, 300000 bytes, sha256 {FileApi.Hash(photo)}) "
            + $"and a file (application/pdf, 1000001 bytes, sha256 {FileApi.Hash(bill)}).",
            FileApi.Answer(events), StringComparison.Ordinal);
        Assert.DoesNotContain(events, e => (string)e["type"]! == "attachment-skipped");
        var parts = files.Emulator.Requests[^1].Body.GetProperty("messages").EnumerateArray().Last().GetProperty("content");
        Assert.StartsWith(address, parts[1].GetProperty("image_url").GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.Equal("bill.pdf", parts[2].GetProperty("file").GetProperty("filename").GetString());
    }

    [Fact]
    public async Task What_the_model_cannot_see_is_reported_to_the_client_in_both_dialects_and_to_the_model()
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        var (photo, bill) =
            (await FileApi.UploadAsync(_guest, FileApi.Png()), await FileApi.UploadAsync(_guest, FileApi.Pdf(), "bill.pdf"));
        (await FileApi.SendAsync(_guest, thread, "", photo, bill)).EnsureSuccessStatusCode();

        var sendcat = await FileApi.ChatAsync(_guest, new { threadId = thread, modelId = "deepseek/deepseek-chat" });
        var ui = await FileApi.ChatAsync(
            _guest,
            new
            {
                id = thread, modelId = "moonshotai/kimi-k2.5",
                messages = new[] { new { id = "m2", role = "user", parts = new[] { new { type = "text", text = "and now?" } } } },
            });

        Assert.Equal(
            [
                $$"""{"type":"attachment-skipped","storageId":"{{photo}}","name":"photo.png","mediaType":"image/png","reason":"model_no_images"}""",
                $$"""{"type":"attachment-skipped","storageId":"{{bill}}","name":"bill.pdf","mediaType":"application/pdf","reason":"model_no_files"}""",
            ],
            sendcat.Where(e => (string)e["type"]! == "attachment-skipped").Select(e => e.ToJsonString()));
        Assert.Equal("done", (string)sendcat[^1]["type"]!);
        Assert.Equal(
            $$$"""{"type":"data-attachment-skipped","data":{"storageId":"{{{bill}}}","name":"bill.pdf","mediaType":"application/pdf","reason":"model_no_files"}}""",
            Assert.Single(ui, e => (string)e["type"]! == "data-attachment-skipped").ToJsonString());
        var first = _files.Emulator.Requests.Last(
            request => request.Body.GetProperty("model").GetString() == "deepseek/deepseek-chat").Body.GetProperty("messages")
                .EnumerateArray().Last().GetProperty("content").GetString()!;
        Assert.Contains(
            "The user attached \"photo.png\" (image/png). You cannot see it: this model does not accept images.", first,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_deleted_is_reported_once_in_a_turn_with_tools()
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        var id = await FileApi.UploadAsync(_guest, FileApi.Png());
        (await FileApi.SendAsync(
            _guest, thread, "[[emu call=1 tool=get_current_time]] [[emu call=2 text=\"Later.\"]] what time was it?",
            id)).EnsureSuccessStatusCode();
        (await _guest.DeleteAsync($"/api/attachments/{id}")).EnsureSuccessStatusCode();
        await _files.SweepAsync();

        var events = await FileApi.ChatAsync(_guest, new { threadId = thread, modelId = "openai/gpt-5" });

        Assert.Equal("file_missing", (string)Assert.Single(events, e => (string)e["type"]! == "attachment-skipped")["reason"]!);
        Assert.Equal("Later.", FileApi.Answer(events));
    }

    [Fact]
    public async Task A_file_that_was_deleted_is_not_sent_any_more_from_the_next_turn_or_regeneration_on()
    {
        var photo = FileApi.Png();
        var thread = await FileApi.NewThreadAsync(_guest);
        var id = await FileApi.UploadAsync(_guest, photo);
        var first = await FileApi.ChatAsync(
            _guest,
            new { threadId = thread, message = "what is this?", attachments = new[] { new { storageId = id } }, modelId = "openai/gpt-5" });
        Assert.Contains(FileApi.Hash(photo), FileApi.Answer(first), StringComparison.Ordinal);

        // The file store has the content until the sweeper has run.
        (await _guest.DeleteAsync($"/api/attachments/{id}")).EnsureSuccessStatusCode();
        var regenerated = await FileApi.ChatAsync(
            _guest, new { id = thread, messages = Array.Empty<object>(), trigger = "regenerate-message", modelId = "openai/gpt-5" });
        var next = await FileApi.ChatAsync(_guest, new { threadId = thread, message = "and now?", modelId = "openai/gpt-5" });
        var nextUi = await FileApi.ChatAsync(
            _guest,
            new
            {
                id = thread, messages = new[] { new { id = "u9", role = "user", parts = new[] { new { type = "text", text = "sure?" } } } },
                modelId = "openai/gpt-5",
            });

        Assert.Equal($$$"""{"type":"data-attachment-skipped","data":{"storageId":"{{{id}}}","name":"photo.png","mediaType":"image/png","reason":"file_missing"}}""", Skipped(regenerated));
        Assert.Equal(
            $$"""{"type":"attachment-skipped","storageId":"{{id}}","name":"photo.png","mediaType":"image/png","reason":"file_missing"}""",
            Skipped(next));
        Assert.Equal(Skipped(regenerated), Skipped(nextUi));
        Assert.All(_files.Emulator.Requests.TakeLast(3), request =>
        {
            var asked = request.Body.GetProperty("messages").EnumerateArray()
                .First(message => message.GetProperty("role").GetString() == "user");
            Assert.Equal(
                "what is this?\n\n[The user attached \"photo.png\" (image/png). You cannot see it: the file was deleted.]",
                asked.GetProperty("content").GetString());
        });

        static string Skipped(IEnumerable<JsonNode> events) =>
            Assert.Single(events, e => ((string)e["type"]!).EndsWith("attachment-skipped", StringComparison.Ordinal)).ToJsonString();
    }

    [Fact]
    public async Task One_request_sends_a_text_and_its_files()
    {
        var photo = FileApi.Png(4_000);
        var id = await FileApi.UploadAsync(_guest, photo);

        var answer = FileApi.Answer(
            await FileApi.ChatAsync(
                _guest, new { message = "what is this?", attachments = new[] { new { storageId = id } }, modelId = "openai/gpt-5" }));

        Assert.Contains(FileApi.Hash(photo), answer, StringComparison.Ordinal);
        await (await _guest.PostAsJsonAsync(
            "/api/chat",
            new { message = "hi", attachments = new[] { new { storageId = Guid.NewGuid() } } })).RefusedAsync(
                HttpStatusCode.BadRequest, "invalid_request");
        await (await _guest.PostAsync("/api/chat", """{"message":"hi","attachments":[null]}""".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Files_of_useChat_become_attachments_of_the_stored_message()
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        var (inline, uploaded) = (FileApi.Png(5_000), FileApi.Png(6_000));
        var id = await FileApi.UploadAsync(_guest, uploaded, "earlier.png");
        object body = Ui(
            thread, Part("inline.png", "image/png", $"data:image/png;base64,{Convert.ToBase64String(inline)}"),
            Part("any", "image/png", $"/api/attachments/{id}"));

        var answer = FileApi.Answer(await FileApi.ChatAsync(_guest, body));

        Assert.Contains(FileApi.Hash(inline), answer, StringComparison.Ordinal);
        Assert.Contains(FileApi.Hash(uploaded), answer, StringComparison.Ordinal);
        var stored = (await (await _guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]![0]!["attachments"]!.AsArray();
        Assert.Equal(["inline.png", "earlier.png"], stored.Select(file => (string)file!["name"]!));
        Assert.Equal(inline, await _guest.GetByteArrayAsync((string)stored[0]!["url"]!));
        Assert.Equal(
            2L,
            await _files.Api.ScalarAsync<long>(
                $"select count(*) from message_attachments f join messages m on m.id = f.message_id where m.thread_id = '{thread}'"));

        (await _guest.DeleteAsync($"/api/threads/{thread}")).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Forbidden, (await _guest.GetAsync($"/api/attachments/{id}")).StatusCode);
    }

    [Fact]
    public async Task A_repeated_request_stores_its_files_once_and_an_edit_with_as_many_bytes_replaces_them()
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        var (first, second) = (FileApi.Png(5_000), FileApi.Png(5_000));
        await FileApi.ChatAsync(_guest, Ui(thread, Part("a.png", "image/jpeg", Data(first))));
        await FileApi.ChatAsync(_guest, Ui(thread, Part("a.png", "image/jpeg", Data(first))));
        var stored = Assert.Single(await AttachmentsAsync());

        var edited = FileApi.Answer(await FileApi.ChatAsync(_guest, Ui(thread, Part("a.png", "image/png", Data(second)))));

        Assert.Contains(FileApi.Hash(second), edited, StringComparison.Ordinal);
        Assert.Equal(second, await _guest.GetByteArrayAsync(Assert.Single(await AttachmentsAsync())));
        Assert.Equal(HttpStatusCode.Forbidden, (await _guest.GetAsync(stored)).StatusCode);

        static string Data(byte[] content) => $"data:image/png;base64,{Convert.ToBase64String(content)}";

        async Task<string[]> AttachmentsAsync() =>
            [
                .. (await (await _guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray()
                    .SelectMany(message => message!["attachments"]?.AsArray().Select(file => (string)file!["url"]!) ?? []),
            ];
    }

    [Fact]
    public async Task Files_of_useChat_that_cannot_be_stored_refuse_the_turn()
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        var foreign = await FileApi.UploadAsync(await _files.Api.GuestAsync(), FileApi.Png());

        await RefusedAsync(
            HttpStatusCode.UnsupportedMediaType, "unsupported_media_type", Part("a.png", "image/png", "data:image/png;base64,PHN2Zz4="));
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid_request", Part("a.png", "image/png", "data:image/png;base64,###"));
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid_request", Part("a.png", "image/png", "data:image/png,abc"));
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid_request", Part("a.png", "image/png", $"/api/attachments/{foreign}"));
        var before = await _files.Api.ScalarAsync<long>("SELECT count(*) FROM attachments");
        var photo = Part("a.png", "image/png", $"data:image/png;base64,{Convert.ToBase64String(FileApi.Png())}");
        await RefusedAsync(
            HttpStatusCode.UnsupportedMediaType, "unsupported_media_type", photo,
            Part("b.png", "image/png", "data:image/png;base64,PHN2Zz4="));
        Assert.Equal(before, await _files.Api.ScalarAsync<long>("SELECT count(*) FROM attachments"));
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid_request", Part("a.png", "image/png", "/api/attachments/../threads"));
        Assert.Empty((await (await _guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await _guest.PostAsJsonAsync("/api/chat", Ui(thread))).StatusCode);

        async Task RefusedAsync(HttpStatusCode status, string code, params object[] parts) =>
            await (await _guest.PostAsJsonAsync("/api/chat", Ui(thread, parts))).RefusedAsync(status, code);
    }

    private static object Part(string filename, string mediaType, string url) => new { type = "file", filename, mediaType, url };

    private static object Ui(string thread, params object[] files) =>
        new
        {
            id = thread, modelId = "openai/gpt-5",
            messages = new[]
            {
                new { id = "m1", role = "user", parts = (object[])[new { type = "text", text = "what is this?" }, .. files] },
            },
        };
}
