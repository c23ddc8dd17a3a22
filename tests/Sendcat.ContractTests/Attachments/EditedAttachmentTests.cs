using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Attachments;

/// <summary>A file is deleted with the last message that names it, whichever way that message loses it.</summary>
public sealed class EditedAttachmentTests(PostgresFixture postgres, FileApiFixture fixture) : IClassFixture<FileApiFixture>, IAsyncLifetime
{
    private readonly FileApi _files = fixture.Files;
    private HttpClient _user = null!;
    private string _thread = "";
    private string _photo = "";

    public async ValueTask InitializeAsync()
    {
        Assert.NotNull(postgres);
        (_user, _) = await _files.Api.UserAsync($"{Guid.NewGuid():N}@example.com", "correct horse 1");
        _thread = await FileApi.NewThreadAsync(_user);
        await FileApi.ChatAsync(_user, Ui("m1", "what is this?", Inline(FileApi.Png(5_000))));
        _photo = await AttachmentAsync(_thread);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_edit_without_the_photo_deletes_it_and_frees_its_bytes()
    {
        await FileApi.ChatAsync(_user, Ui("m1", "what is a shoe?"));

        await DeletedAsync();
    }

    [Fact]
    public async Task A_message_whose_attachments_become_null_deletes_them()
    {
        await _files.Api.ExecuteAsync($"UPDATE messages SET attachments = 'null' WHERE thread_id = '{_thread}'");

        await DeletedAsync();
    }

    [Fact]
    public async Task A_new_answer_keeps_the_photo_of_the_question()
    {
        await FileApi.ChatAsync(
            _user, new { id = _thread, trigger = "regenerate-message", messages = new[] { UiMessage("m1", "what is this?") } });

        Assert.Equal(HttpStatusCode.OK, (await _user.GetAsync($"/api/attachments/{_photo}")).StatusCode);
    }

    [Fact]
    public async Task Deleted_messages_threads_and_accounts_delete_the_photo()
    {
        var other = await FileApi.NewThreadAsync(_user);
        var (second, third) = (await FileApi.UploadAsync(_user, FileApi.Png()), await FileApi.UploadAsync(_user, FileApi.Png()));
        var first = (string)(await (await FileApi.SendAsync(_user, other, "first")).JsonAsync())["id"]!;
        (await FileApi.SendAsync(_user, other, "second", second)).EnsureSuccessStatusCode();
        (await FileApi.SendAsync(_user, await FileApi.NewThreadAsync(_user), "third", third)).EnsureSuccessStatusCode();

        (await _user.DeleteAsync($"/api/threads/{other}/messages?after={first}")).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Forbidden, (await _user.GetAsync($"/api/attachments/{second}")).StatusCode);
        (await _user.DeleteAsync($"/api/threads/{_thread}")).EnsureSuccessStatusCode();
        await DeletedAsync();
        (await _user.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" })).EnsureSuccessStatusCode();

        Assert.Equal(0, await _files.Api.ScalarAsync<long>($"SELECT count(*) FROM attachments WHERE id = '{third}'"));
    }

    [Fact]
    public async Task A_photo_that_was_uploaded_before_its_message_is_compared_by_its_content()
    {
        var (content, other) = (FileApi.Png(5_000), FileApi.Png(5_000));
        var id = await FileApi.UploadAsync(_user, content);
        Assert.Equal(FileApi.Hash(content), await _files.Api.ScalarAsync<string>($"SELECT sha256 FROM attachments WHERE id = '{id}'"));
        var thread = await FileApi.NewThreadAsync(_user);
        var message = new { content = "look", clientId = "m9", attachments = new[] { new { storageId = id } } };
        (await _user.PostAsJsonAsync($"/api/threads/{thread}/messages", message)).EnsureSuccessStatusCode();

        await FileApi.ChatAsync(_user, Ui(thread, "m9", "look", Inline(content)));
        Assert.Equal(id, await AttachmentAsync(thread));
        await FileApi.ChatAsync(_user, Ui(thread, "m9", "look", Inline(other)));
        Assert.NotEqual(id, await AttachmentAsync(thread));
    }

    [Fact]
    public async Task A_message_is_repeated_with_its_client_id_after_its_file_was_deleted()
    {
        var (id, other) = (await FileApi.UploadAsync(_user, FileApi.Png()), await FileApi.UploadAsync(_user, FileApi.Png()));
        var thread = await FileApi.NewThreadAsync(_user);
        using var first = await SendAsync("look", id);
        await _user.DeleteAsync($"/api/attachments/{id}");
        await _user.DeleteAsync($"/api/attachments/{other}");

        using var again = await SendAsync("look", id);
        using var otherText = await SendAsync("look here", id);
        using var otherFile = await SendAsync("look", other);
        using var unknown = await _user.PostAsJsonAsync(
            $"/api/threads/{thread}/messages", new { content = "look", clientId = "m10", attachments = new[] { new { storageId = id } } });

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.StatusCode, again.StatusCode));
        Assert.Equal((string)(await first.JsonAsync())["id"]!, (string)(await again.JsonAsync())["id"]!);
        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (otherText.StatusCode, otherFile.StatusCode));
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);

        Task<HttpResponseMessage> SendAsync(string content, string file) => _user.PostAsJsonAsync(
            $"/api/threads/{thread}/messages", new { content, clientId = "m9", attachments = new[] { new { storageId = file } } });
    }

    private Task<string> AttachmentAsync(string thread) => _files.Api.ScalarAsync<string>(
        $"""
        SELECT attachment_id::text FROM message_attachments f JOIN messages m ON m.id = f.message_id WHERE m.thread_id = '{thread}'
        """);

    private static object Inline(byte[] content)
    {
        var url = $"data:image/png;base64,{Convert.ToBase64String(content)}";
        return new { type = "file", filename = "a.png", mediaType = "image/png", url };
    }

    private async Task DeletedAsync()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await _user.GetAsync($"/api/attachments/{_photo}")).StatusCode);
        Assert.Equal(0, await _files.Api.ScalarAsync<long>($"SELECT count(*) FROM attachments WHERE id = '{_photo}'"));
        Assert.True(await _files.SweepAsync() > 0);
        Assert.DoesNotContain(_files.Files, file => file.EndsWith(_photo, StringComparison.Ordinal));
    }

    private object Ui(string messageId, string text, params object[] files) => Ui(_thread, messageId, text, files);

    private static object Ui(string thread, string messageId, string text, params object[] files) =>
        new { id = thread, modelId = "openai/gpt-5", messages = new[] { UiMessage(messageId, text, files) } };

    private static object UiMessage(string id, string text, params object[] files) =>
        new { id, role = "user", parts = (object[])[new { type = "text", text }, .. files] };
}
