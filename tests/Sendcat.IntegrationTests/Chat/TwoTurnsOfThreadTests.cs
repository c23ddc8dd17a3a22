using System.Net;
using System.Text.Json;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Two turns of one thread that run at the same time on two replicas: an older one with a reader, and a newer one.</summary>
public sealed class TwoTurnsOfThreadTests(SharedStores stores) : IAsyncLifetime
{
    private const string First = "first [[emu chunks=900 every=30ms]]";
    private const string Second = "second [[emu chunks=900 every=30ms]]";

    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(5);

    private readonly List<IAsyncDisposable> _open = [];
    private SendcatClient[] _guests = [];
    private string _thread = "";
    private ChatStream _older = null!;
    private ChatStream _newer = null!;

    public async ValueTask InitializeAsync()
    {
        var sendcat = await SendcatSystem.StartAsync(stores, 2, ("ADMISSION_USER_MAX_INFLIGHT", "5"));
        _open.Add(sendcat);
        var guest = await sendcat.GuestAsync();
        _guests = [guest, guest.At(sendcat.Replicas[1])];
        _thread = await guest.NewThreadAsync();
        _older = await StartAsync(_guests[0], First, "m1");
        _newer = await StartAsync(_guests[1], Second, "m2");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var resource in Enumerable.Reverse(_open))
        {
            await resource.DisposeAsync();
        }

        foreach (var guest in _guests)
        {
            guest.Dispose();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reader_that_comes_back_follows_the_newest_turn_wherever_it_runs(int replica)
    {
        await using var resumed = await _guests[replica].ResumeAsync(_thread);

        Assert.Equal(MessageOf(_newer), Text(await resumed.ReadUntilAsync("start"), "messageId"));
    }

    [Theory]
    [InlineData(0, "m2")]
    [InlineData(1, "m2")]
    [InlineData(0, "m1")]
    [InlineData(1, "m1")]
    public async Task A_repeated_request_joins_the_turn_of_its_message_also_if_it_is_the_older_one(int replica, string message)
    {
        await using var repeated = await _guests[replica].PostChatAsync(UseChat.Body(_thread, message == "m1" ? First : Second, message))
            .WaitAsync(MaxStart, TimeProvider.System, TestContext.Current.CancellationToken);

        await repeated.StartedAsync();
        Assert.Equal(MessageOf(message == "m1" ? _older : _newer), Text(await repeated.ReadUntilAsync("start"), "messageId"));
    }

    [Theory]
    [InlineData(0, "m2")]
    [InlineData(1, "m2")]
    [InlineData(0, "m1")]
    [InlineData(1, "m1")]
    public async Task A_regeneration_starts_at_once_and_ends_both_turns(int replica, string message)
    {
        await using var regenerated = await _guests[replica].PostChatAsync(new
        {
            id = _thread, trigger = "regenerate-message",
            messages = new object[] { new { id = message, role = "user", parts = new object[] { new { type = "text", text = "x" } } } },
        }).WaitAsync(MaxStart, TimeProvider.System, TestContext.Current.CancellationToken);

        await regenerated.ReadUntilAsync("text-delta");
        await _older.ReadToEndAsync();
        await _newer.ReadToEndAsync();
        Assert.Equal(("abort", "abort"), (_older.Types[^1], _newer.Types[^1]));
    }

    [Fact]
    public async Task After_the_newer_turn_has_ended_a_reader_gets_the_older_one_on_its_replica()
    {
        using (var abort = await _guests[1].AbortAsync(_thread, MessageOf(_newer)!))
        {
            Assert.Equal(HttpStatusCode.NoContent, abort.StatusCode);
        }

        await _newer.ReadToEndAsync();

        await using var resumed = await _guests[0].ResumeAsync(_thread);
        Assert.Equal(MessageOf(_older), Text(await resumed.ReadUntilAsync("start"), "messageId"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_of_a_message_ends_its_turn_alone(int replica)
    {
        using var abort = await _guests[replica].AbortAsync(_thread, MessageOf(_older)!);

        Assert.Equal(HttpStatusCode.NoContent, abort.StatusCode);
        await _older.ReadToEndAsync();
        Assert.Equal("abort", _older.Types[^1]);
        var deltas = _newer.Events.Count;
        await _newer.ReadUntilAsync("text-delta");
        Assert.True(_newer.Events.Count > deltas);
    }

    private async Task<ChatStream> StartAsync(SendcatClient guest, string text, string message)
    {
        var stream = await guest.PostChatAsync(UseChat.Body(_thread, text, message));
        _open.Add(stream);
        await stream.ReadUntilAsync("text-delta");
        return stream;
    }

    private static string? MessageOf(ChatStream stream) => Text(stream.Events[0], "messageId");

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
