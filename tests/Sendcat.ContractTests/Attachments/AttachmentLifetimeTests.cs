using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Attachments;

namespace Sendcat.ContractTests.Attachments;

/// <summary>How long files live: with their messages and their owner, and unused ones for a day.</summary>
public sealed class AttachmentLifetimeTests(FileApiFixture fixture) : IClassFixture<FileApiFixture>, IAsyncLifetime
{
    private readonly FileApi _files = fixture.Files;
    private HttpClient _guest = null!;

    public async ValueTask InitializeAsync() => _guest = await _files.Api.GuestAsync();

    public async ValueTask DisposeAsync() => await _files.EmptyAsync();

    [Fact]
    public async Task A_file_goes_with_the_last_message_that_names_it()
    {
        var (photo, bill) = (await FileApi.UploadAsync(_guest, FileApi.Png()), await FileApi.UploadAsync(_guest, FileApi.Pdf()));
        var thread = await FileApi.NewThreadAsync(_guest);
        var first = (string)(await (await FileApi.SendAsync(_guest, thread, "first")).JsonAsync())["id"]!;
        var second = (string)(await (await FileApi.SendAsync(_guest, thread, "second", photo, bill)).JsonAsync())["id"]!;
        var branch = (string)(await (await _guest.PostAsJsonAsync($"/api/threads/{thread}/branch", new { messageId = second }))
            .JsonAsync())["id"]!;
        var edit = (string)(await (await _guest.PostAsJsonAsync(
            $"/api/threads/{thread}/edit",
            new { messageId = second, content = "only the photo", attachments = new[] { new { storageId = photo } } })).JsonAsync())["id"]!;

        (await _guest.DeleteAsync($"/api/threads/{thread}/messages?after={first}")).EnsureSuccessStatusCode();
        Assert.Equal(0, await _files.SweepAsync());
        (await _guest.DeleteAsync($"/api/threads/{branch}")).EnsureSuccessStatusCode();

        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.Forbidden),
            (await FileApi.StatusAsync(_guest, photo), await FileApi.StatusAsync(_guest, bill)));
        Assert.Equal(1, await _files.SweepAsync());
        (await _guest.DeleteAsync($"/api/threads/{edit}")).EnsureSuccessStatusCode();
        Assert.Equal(1, await _files.SweepAsync());
        Assert.Empty(_files.Files);
    }

    [Fact]
    public async Task A_deleted_file_leaves_its_message_and_the_store()
    {
        var id = await FileApi.UploadAsync(_guest, FileApi.Png());
        var thread = await FileApi.NewThreadAsync(_guest);
        (await FileApi.SendAsync(_guest, thread, "look", id)).EnsureSuccessStatusCode();

        Assert.Equal(HttpStatusCode.NoContent, (await _guest.DeleteAsync($"/api/attachments/{id}")).StatusCode);

        Assert.Equal(HttpStatusCode.Forbidden, await FileApi.StatusAsync(_guest, id));
        Assert.Equal(1, await _files.SweepAsync());
        Assert.Empty(_files.Files);
        Assert.Equal(
            id,
            (string)(await (await _guest.GetAsync($"/api/threads/{thread}/messages"))
                .JsonAsync())["items"]![0]!["attachments"]![0]!["storageId"]!);
    }

    [Fact]
    public async Task Unused_files_and_interrupted_uploads_are_swept_and_used_ones_are_not()
    {
        var (used, unused, recent) =
            (await FileApi.UploadAsync(_guest, FileApi.Png()), await FileApi.UploadAsync(_guest, FileApi.Png()),
                await FileApi.UploadAsync(_guest, FileApi.Png()));
        (await FileApi.SendAsync(_guest, await FileApi.NewThreadAsync(_guest), "look", used)).EnsureSuccessStatusCode();
        await _files.Api.ExecuteAsync($"update attachments set created_at = created_at - interval '25 hours' where id <> '{recent}'");

        // As a crash leaves it between the content and the mark that it is there.
        var interrupted = await FileApi.UploadAsync(_guest, FileApi.Png());
        await _files.Api.ExecuteAsync(
            $"update attachments set stored_at = null, created_at = created_at - interval '61 minutes' where id = '{interrupted}'");
        Assert.Equal(HttpStatusCode.Forbidden, await FileApi.StatusAsync(_guest, interrupted));

        Assert.Equal(2, await _files.SweepAsync());

        Assert.Equal(
            (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.OK],
            [
                await FileApi.StatusAsync(_guest, used), await FileApi.StatusAsync(_guest, unused),
                await FileApi.StatusAsync(_guest, recent),
            ]);
        Assert.Equal(2, _files.Files.Length);
    }

    [Fact]
    public async Task The_sweeper_runs_twice_a_minute()
    {
        var id = await FileApi.UploadAsync(_guest, FileApi.Png());
        (await _guest.DeleteAsync($"/api/attachments/{id}")).EnsureSuccessStatusCode();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var sweeper = ActivatorUtilities.CreateInstance<AttachmentSweeper>(_files.Api.Services, time);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await sweeper.StartAsync(CancellationToken.None);

        while (_files.Files.Length > 0)
        {
            // The loop may not have begun to wait yet, so that one step of the clock may not reach it.
            time.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, timeout.Token);
        }

        await sweeper.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Signing_in_takes_the_files_of_the_session_along()
    {
        var session = (string)(await (await _files.Api.Anyone.PostAsync("/api/auth/anonymous", null)).JsonAsync())["sessionId"]!;
        var guest = _files.Api.WithSession(session);
        var (attached, alone) = (await FileApi.UploadAsync(guest, FileApi.Png()), await FileApi.UploadAsync(guest, FileApi.Png()));
        (await FileApi.SendAsync(guest, await FileApi.NewThreadAsync(guest), "look", attached)).EnsureSuccessStatusCode();

        var (user, _) = await _files.Api.UserAsync("claimer@example.com", sessionId: session);

        Assert.Equal(
            (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.OK],
            [await FileApi.StatusAsync(user, attached), await FileApi.StatusAsync(user, alone)]);
        Assert.Equal(
            (HttpStatusCode[])[HttpStatusCode.Forbidden, HttpStatusCode.Forbidden],
            [await FileApi.StatusAsync(guest, attached), await FileApi.StatusAsync(guest, alone)]);
    }

    [Fact]
    public async Task A_deleted_account_leaves_no_file()
    {
        var (user, _) = await _files.Api.UserAsync("leaver@example.com", "correct horse 1");
        (await FileApi.SendAsync(user, await FileApi.NewThreadAsync(user), "look", await FileApi.UploadAsync(user, FileApi.Png())))
            .EnsureSuccessStatusCode();
        await FileApi.UploadAsync(user, FileApi.Png());
        var kept = await FileApi.UploadAsync(_guest, FileApi.Png());

        (await user.PostAsJsonAsync("/api/auth/delete-account", new { password = "correct horse 1" })).EnsureSuccessStatusCode();

        Assert.Equal(2, await _files.SweepAsync());
        Assert.EndsWith(kept, Assert.Single(_files.Files), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fork_of_a_shared_thread_has_none_of_its_files()
    {
        var id = await FileApi.UploadAsync(_guest, FileApi.Png());
        var thread = await FileApi.NewThreadAsync(_guest);
        (await FileApi.SendAsync(_guest, thread, "with text", id)).EnsureSuccessStatusCode();
        (await FileApi.SendAsync(_guest, thread, "", id)).EnsureSuccessStatusCode();
        var token = (string)(await (await _guest.PostAsync($"/api/threads/{thread}/share", null)).JsonAsync())["shareToken"]!;
        var other = await _files.Api.GuestAsync();
        var fork = (string)(await (await other.PostAsJsonAsync($"/api/shares/{token}/fork", new { })).JsonAsync())["id"]!;

        var messages = (await (await other.GetAsync($"/api/threads/{fork}/messages")).JsonAsync())["items"]!.AsArray();

        Assert.Equal("with text", (string)Assert.Single(messages)!["content"]!);
        Assert.Null(messages[0]!["attachments"]);
    }
}
