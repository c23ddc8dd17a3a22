using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Sendcat.ContractTests.Attachments;

public sealed class AttachmentTests(PostgresFixture postgres, FileApiFixture fixture) : IClassFixture<FileApiFixture>, IAsyncLifetime
{
    private readonly FileApi _files = fixture.Files;
    private HttpClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _files.Api.GuestAsync();

    public async ValueTask DisposeAsync() => await _files.EmptyAsync();

    [Fact]
    public async Task An_uploaded_file_is_201_and_is_read_back_as_it_was_with_headers_that_keep_it_inert()
    {
        byte[] content = [.. FileApi.Png(100_000), .. "<script>alert(1)</script>"u8];
        using var created = await FileApi.PostAsync(_guest, content, "../Bild\u202E 1.html", "text/html");
        var view = await created.JsonAsync();
        using var read = await _guest.GetAsync(created.Headers.Location);
        using var head = await _guest.SendAsync(new(HttpMethod.Head, created.Headers.Location));

        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(["id", "name", "type", "size"], view.AsObject().Select(property => property.Key));
        Assert.Equal(("Bild 1.html", "image/png", content.Length), ((string)view["name"]!, (string)view["type"]!, (int)view["size"]!));
        Assert.Equal(content, await read.Content.ReadAsByteArrayAsync());
        foreach (var response in (HttpResponseMessage[])[read, head])
        {
            Assert.Equal(
                ("image/png", "attachment", content.Length),
                (response.Content.Headers.ContentType!.ToString(), response.Content.Headers.ContentDisposition!.DispositionType,
                    response.Content.Headers.ContentLength!.Value));
            Assert.Equal("Bild 1.html", response.Content.Headers.ContentDisposition.FileNameStar);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("default-src 'none'; sandbox", Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
            Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        }

        var file = Assert.Single(_files.Files);
        Assert.EndsWith((string)view["id"]!, file, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_ids_get_the_same_answer()
    {
        var id = await FileApi.UploadAsync(_guest, FileApi.Png());
        var other = await _files.Api.GuestAsync();
        var answers = new List<string>();
        foreach (var path in (string[])[id, Guid.NewGuid().ToString(), "no-id", "..%2f..%2fetc", new string('a', 300)])
        {
            using var get = await other.GetAsync($"/api/attachments/{path}");
            using var delete = await other.DeleteAsync($"/api/attachments/{path}");
            answers.Add(
                $"{get.StatusCode} {(await get.Content.ReadAsStringAsync()).Replace("attachments.get", "", StringComparison.Ordinal)}");
            var refusal = await delete.Content.ReadAsStringAsync();
            answers.Add($"{delete.StatusCode} {refusal.Replace("attachments.remove", "", StringComparison.Ordinal)}");
        }

        Assert.Equal(["Forbidden [forbidden:] No such file, or not yours"], answers.Distinct());
        await (await _files.Api.Anyone.GetAsync($"/api/attachments/{id}")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(HttpStatusCode.OK, (await _guest.GetAsync($"/api/attachments/{id}")).StatusCode);
    }

    [Theory]
    [InlineData("3C737667206F6E6C6F61643D616C6572742831293E", "image/png", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("504B03040A0000000000", "application/pdf", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("4D5A9000", "image/jpeg", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("", "image/png", HttpStatusCode.BadRequest)]
    public async Task A_file_that_is_neither_an_image_nor_a_PDF_is_refused_whatever_its_client_says(
        string content, string type, HttpStatusCode status)
    {
        await (await FileApi.PostAsync(_guest, Convert.FromHexString(content), "photo.png", type))
            .RefusedAsync(status, status == HttpStatusCode.BadRequest ? "invalid_request" : "unsupported_media_type");

        Assert.Empty(_files.Files);
        Assert.Equal(0L, await _files.Api.ScalarAsync<long>("select count(*) from attachments"));
    }

    [Fact]
    public async Task A_body_that_is_no_form_with_one_file_is_refused()
    {
        await (await _guest.PostAsJsonAsync("/api/attachments", new { file = "x" }))
            .RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await (await FileApi.PostAsync(_guest, FileApi.Png(), field: "image")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await _guest.PostAsync(
            "/api/attachments",
            new MultipartFormDataContent
            {
                { new ByteArrayContent(FileApi.Png()), "file", "a" }, { new ByteArrayContent(FileApi.Png()), "file", "b" },
            }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        var cut = new StringContent("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf", Encoding.ASCII);
        cut.Headers.ContentType = new("multipart/form-data") { Parameters = { new("boundary", "b") } };
        await (await _guest.PostAsync("/api/attachments", cut)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await FileApi.PostAsync(_files.Api.Anyone, FileApi.Png())).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await FileApi.PostAsync(_files.Api.WithBearer("forged"), FileApi.Png()))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_session_may_be_a_field_of_the_form()
    {
        var session = (string)(await (await _files.Api.Anyone.PostAsync("/api/auth/anonymous", null)).JsonAsync())["sessionId"]!;
        var created = await _files.Api.Anyone.PostAsync(
            "/api/attachments",
            new MultipartFormDataContent
            {
                { new StringContent(session), "sessionId" }, { new ByteArrayContent(FileApi.Png()), "file", "a.png" },
            });

        Assert.Equal(
            HttpStatusCode.OK,
            (await _files.Api.WithSession(session).GetAsync($"/api/attachments/{(string)(await created.JsonAsync())["id"]!}")).StatusCode);
    }

    [Fact]
    public async Task A_file_over_the_limit_is_413_announced_or_not()
    {
        var content = FileApi.Png((5 * 1024 * 1024) + 1);
        await (await FileApi.PostAsync(_guest, content)).RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");

        var form = new MultipartFormDataContent { { new ByteArrayContent(FileApi.Png(6 * 1024 * 1024)), "file", "a.png" } };
        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/api/attachments") { Content = form };
        chunked.Headers.TransferEncodingChunked = true;
        await (await _guest.SendAsync(chunked)).RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");

        Assert.Empty(_files.Files);
        Assert.Equal(HttpStatusCode.Created, (await FileApi.PostAsync(_guest, FileApi.Png(5 * 1024 * 1024))).StatusCode);
    }

    [Fact]
    public async Task A_message_names_only_files_of_its_sender()
    {
        var (own, foreign) =
            (await FileApi.UploadAsync(_guest, FileApi.Png(), "photo.png"),
                await FileApi.UploadAsync(await _files.Api.GuestAsync(), FileApi.Png()));
        var bill = await FileApi.UploadAsync(_guest, FileApi.Pdf(3_000), "bill.pdf");
        var thread = await FileApi.NewThreadAsync(_guest);
        foreach (var unknown in (string[])[foreign, Guid.NewGuid().ToString(), "f-1", ""])
        {
            await (await FileApi.SendAsync(_guest, thread, "look", own, unknown))
                .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }

        // Name, type and size are what was stored, not what the client says now.
        var claimed = new { storageId = bill, name = "other.exe", type = "text/html", size = 1 };
        var message = await (await _guest.PostAsJsonAsync(
            $"/api/threads/{thread}/messages",
            new { content = "", attachments = new object[] { new { storageId = own }, claimed } })).JsonAsync();

        Assert.Equal(
            $$"""[{"storageId":"{{own}}","name":"photo.png","type":"image/png","size":2000,"url":"/api/attachments/{{own}}"},{"storageId":"{{bill}}","name":"bill.pdf","type":"application/pdf","size":3000,"url":"/api/attachments/{{bill}}"}]""",
            message["attachments"]!.ToJsonString());
        var edited = await _guest.PostAsJsonAsync(
            $"/api/threads/{thread}/edit",
            new { messageId = (string)message["id"]!, content = "x", attachments = new[] { new { storageId = foreign } } });
        await edited.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_message_has_ten_files_and_ten_MiB_at_most()
    {
        var (user, _) = await _files.Api.UserAsync("confirmed@example.com");
        var thread = await FileApi.NewThreadAsync(user);
        var small = new List<string>();
        for (var n = 0; n < 11; n++)
        {
            small.Add(await FileApi.UploadAsync(user, FileApi.Png()));
        }

        await (await FileApi.SendAsync(user, thread, "all", [.. small])).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        string[] large =
        [
            await FileApi.UploadAsync(user, FileApi.Png(5_000_000)), await FileApi.UploadAsync(user, FileApi.Pdf(5_000_000)),
            await FileApi.UploadAsync(user, FileApi.Pdf(500_000)),
        ];
        Assert.Contains(
            "10485760",
            await (await FileApi.SendAsync(user, thread, "all", large)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request"),
            StringComparison.Ordinal);
        (await FileApi.SendAsync(user, thread, "two", large[..2])).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task Files_count_toward_the_bytes_of_their_owner_until_they_are_deleted()
    {
        await using var files = await FileApi.StartAsync(postgres, ("BYTES_PER_GUEST_MAX", "100000"));
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        var id = await FileApi.UploadAsync(guest, FileApi.Png(60_000));

        await (await FileApi.PostAsync(guest, FileApi.Png(60_000))).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        await (await FileApi.SendAsync(guest, thread, new string('x', 50_000))).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        (await FileApi.SendAsync(guest, thread, new string('x', 30_000), id)).EnsureSuccessStatusCode();

        Assert.Single(files.Files);
        (await guest.DeleteAsync($"/api/threads/{thread}")).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Created, (await FileApi.PostAsync(guest, FileApi.Png(90_000))).StatusCode);

        // A tiny file takes 4 KiB.
        Assert.Equal(HttpStatusCode.Created, (await FileApi.PostAsync(guest, FileApi.Png(10))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await FileApi.PostAsync(guest, FileApi.Png(10))).StatusCode);
        await (await FileApi.PostAsync(guest, FileApi.Png(10))).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
    }

    [Fact]
    public async Task Uploads_of_a_principal_are_limited()
    {
        await using var files = await FileApi.StartAsync(postgres, ("RATE_LIMIT_UPLOAD_MAX", "2"));
        var guest = await files.Api.GuestAsync();
        await FileApi.UploadAsync(guest, FileApi.Png());
        await FileApi.UploadAsync(guest, FileApi.Png());

        using var third = await FileApi.PostAsync(guest, FileApi.Png());
        Assert.NotNull(third.Headers.RetryAfter);
        await third.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Equal(HttpStatusCode.Created, (await FileApi.PostAsync(await files.Api.GuestAsync(), FileApi.Png())).StatusCode);
    }

    [Theory]
    [InlineData("markdown", "* photo.png · image/png")]
    [InlineData("text", "File: photo.png · image/png")]
    [InlineData("html", "<ul><li>photo.png")]
    [InlineData("json", "\"name\":\"photo.png\",\"type\":\"image/png\",\"size\":2000,\"url\":\"/api/attachments/")]
    public async Task An_export_lists_the_files(string format, string line)
    {
        var thread = await FileApi.NewThreadAsync(_guest);
        (await FileApi.SendAsync(_guest, thread, "", await FileApi.UploadAsync(_guest, FileApi.Png()))).EnsureSuccessStatusCode();

        Assert.Contains(line, await _guest.GetStringAsync($"/api/threads/{thread}/export?format={format}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_away_is_503_and_leaves_nothing_behind()
    {
        await using var files = await FileApi.StartAsync(postgres, ("FILES_STORE", "s3"));
        var guest = await files.Api.GuestAsync();
        var id = await FileApi.UploadAsync(guest, FileApi.Png());
        files.Emulator.DirectRest("[[emu at=s3 status=500]]");

        await (await FileApi.PostAsync(guest, FileApi.Png())).RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        await (await guest.GetAsync($"/api/attachments/{id}")).RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        Assert.Equal(HttpStatusCode.NoContent, (await guest.DeleteAsync($"/api/attachments/{id}")).StatusCode);
        await Assert.ThrowsAsync<Sendcat.Integrations.Files.FileStoreException>(files.SweepAsync);
        files.Emulator.ClearRestDirections();

        Assert.Equal(2, await files.SweepAsync());
        Assert.Empty(files.Emulator.S3Keys);
        Assert.Equal(0L, await files.Api.ScalarAsync<long>("select count(*) from attachments"));
    }
}
