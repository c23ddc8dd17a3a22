using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ContractTests.Attachments;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Chat;

/// <summary><c>POST /api/threads/{id}/abort</c> while the turn has not begun: its request waits for Postgres at one of its steps.</summary>
public sealed class StopBeforeStartTests(PostgresFixture postgres)
{
    private const string Answer = """[[emu text="Not stopped."]]""";

    [Theory]
    [InlineData("attachments", "EXCLUSIVE", "reserve attachment", true)]
    [InlineData("messages", "ACCESS EXCLUSIVE", "read thread messages by client id", false)]
    public async Task First_turn_of_a_thread_ends_as_aborted(string table, string mode, string step, bool file)
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();

        var last = await StopAtAsync(files, guest, table, mode, step, "own-chat", Ui("own-chat", "m1", Answer, file: file));

        Assert.Equal(("abort", 0), (last, files.Emulator.Requests.Count));
        Assert.Equal([$"user completed {Answer}", "assistant aborted "], await MessagesAsync(guest, "own-chat"));
        Assert.Equal("Not stopped.", FileApi.Answer(await FileApi.ChatAsync(guest, Ui("own-chat", "m2", Answer))));
    }

    [Theory]
    [InlineData("attachments", "EXCLUSIVE", "reserve attachment", true)]
    [InlineData("messages", "ACCESS EXCLUSIVE", "read thread messages", false)]
    public async Task Turn_of_a_new_message_ends_as_aborted(string table, string mode, string step, bool file)
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);

        var last = await StopAtAsync(files, guest, table, mode, step, thread, Ui(thread, "m1", Answer, file: file));

        Assert.Equal(("abort", 0), (last, files.Emulator.Requests.Count));
        Assert.Equal([$"user completed {Answer}", "assistant aborted "], await MessagesAsync(guest, thread));
    }

    [Theory]
    [InlineData("attachments", "EXCLUSIVE", "reserve attachment", true)]
    [InlineData("messages", "EXCLUSIVE", "edit message", false)]
    public async Task Turn_of_an_edit_ends_as_aborted(string table, string mode, string step, bool file)
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await FileApi.ChatAsync(guest, Ui(thread, "m1", """[[emu text="Old."]]"""));
        var calls = files.Emulator.Requests.Count;

        var last = await StopAtAsync(files, guest, table, mode, step, thread, Ui(thread, "m1", Answer, edited: "m1", file: file));

        Assert.Equal(("abort", calls), (last, files.Emulator.Requests.Count));
        Assert.Equal([$"user completed {Answer}", "assistant aborted "], await MessagesAsync(guest, thread));
    }

    [Fact]
    public async Task Turn_of_a_regeneration_ends_as_aborted_and_leaves_the_old_answer()
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await FileApi.ChatAsync(guest, Ui(thread, "m1", """[[emu text="Old."]]"""));
        var calls = files.Emulator.Requests.Count;

        var last = await StopAtAsync(
            files, guest, "messages", "ACCESS EXCLUSIVE", "read thread messages", thread,
            Ui(thread, "m1", Answer, trigger: "regenerate-message"));

        Assert.Equal(("abort", calls), (last, files.Emulator.Requests.Count));
        Assert.Equal("assistant completed Old.", (await MessagesAsync(guest, thread))[^1]);
    }

    [Fact]
    public async Task Abort_of_an_unused_client_id_changes_nothing_for_other_principals_and_later_turns()
    {
        await using var files = await StartAsync();
        var (guest, other) = (await files.Api.GuestAsync(), await files.Api.GuestAsync());

        string last;
        await using (var locked = await LockedTable.LockAsync(files.Api.ConnectionString, "messages", "ACCESS EXCLUSIVE"))
        {
            var posting = LastAsync(guest, Ui("own-chat", "m1", Answer));
            await locked.WaitForAsync("read thread messages by client id");
            await StopAsync(other, "own-chat", HttpStatusCode.NoContent);
            await StopAsync(guest, "another-chat", HttpStatusCode.NoContent);
            await locked.ReleaseAsync();
            last = await posting;
        }

        await StopAsync(other, "own-chat", HttpStatusCode.NoContent);
        Assert.Equal("finish", last);
        Assert.Equal("Not stopped.", FileApi.Answer(await FileApi.ChatAsync(other, Ui("own-chat", "m1", Answer))));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(0, false)]
    [InlineData(1, false)]
    public async Task Turn_that_begins_after_an_abort_is_not_ended_when_its_signal_arrives_late(int turnsBefore, bool ofThisReplica)
    {
        const string thread = "own-chat";
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        for (var n = 0; n < turnsBefore; n++)
        {
            await FileApi.ChatAsync(guest, Ui(thread, $"before-{n}", Answer));
        }

        var redis = files.Api.Services.GetRequiredService<IConnectionMultiplexer>().GetSubscriber();
        var channel = RedisChannel.Literal(RedisKeys.TurnSignals);
        var queue = await redis.SubscribeAsync(channel);
        await StopAsync(guest, thread, HttpStatusCode.NoContent);
        var replica = files.Api.Services.GetRequiredService<ReplicaId>().Value.ToString();
        string signal;
        do
        {
            signal = (string)(await queue.ReadAsync(TestContext.Current.CancellationToken)).Message!;
        }
        while (!signal.Contains(replica, StringComparison.Ordinal));
        await queue.UnsubscribeAsync();
        signal = ofThisReplica ? signal : signal.Replace(replica, Guid.NewGuid().ToString(), StringComparison.Ordinal);

        string last;
        await using (var locked = await LockedTable.LockAsync(files.Api.ConnectionString, "messages", "ACCESS EXCLUSIVE"))
        {
            var posting = LastAsync(guest, Ui(thread, "m1", Answer));
            await locked.WaitForAsync("read thread messages by client id");
            await redis.PublishAsync(channel, signal);
            await redis.PingAsync();
            await locked.ReleaseAsync();
            last = await posting;
        }

        Assert.Equal("finish", last);
        Assert.Equal("finish", await LateWhileRunningAsync(
            files, guest, thread, "m2", "submit-message", () => redis.PublishAsync(channel, signal)));
    }

    [Fact]
    public async Task Turn_whose_request_comes_while_an_abort_is_checked_is_not_ended()
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        await using var locked = await LockedTable.LockAsync(files.Api.ConnectionString, "threads", "ACCESS EXCLUSIVE");
        var stopping = StopAsync(guest, thread, HttpStatusCode.NoContent);
        await locked.WaitForAsync("read thread owner");
        var posting = LastAsync(guest, Ui(thread, "m1", Answer));
        await locked.WaitForAsync("read thread");

        await locked.ReleaseAsync();
        await stopping;

        Assert.Equal("finish", await posting);
        Assert.Equal([$"user completed {Answer}", "assistant completed Not stopped."], await MessagesAsync(guest, thread));
    }

    [Theory]
    [InlineData("submit-message")]
    [InlineData("regenerate-message")]
    public async Task Statement_of_an_abort_ends_no_turn_that_began_after_it(string trigger)
    {
        await using var files = await StartAsync();
        var guest = await files.Api.GuestAsync();
        var thread = await FileApi.NewThreadAsync(guest);
        var services = files.Api.Services;
        await FileApi.ChatAsync(guest, Ui(thread, "m1", Answer));
        var at = services.GetRequiredService<TimeProvider>().GetUtcNow();
        files.Emulator.Direct("[[emu first=1s chunks=5 every=50ms]]");

        var last = await LateWhileRunningAsync(
            files, guest, thread, trigger == "submit-message" ? "m2" : "m1", trigger,
            async () =>
            {
                while (await files.Api.ScalarAsync<long>("SELECT count(*) FROM stream_sessions") == 1)
                {
                    // The start of a turn is committed within 50 ms, and nothing reports it.
                    await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
                }

                await services.GetRequiredService<TurnAborts>()
                    .AbortAllAsync(Guid.Parse(thread), at, TestContext.Current.CancellationToken);
            });

        Assert.Equal("finish", last);
        Assert.DoesNotContain(await MessagesAsync(guest, thread), message => message.Contains("aborted", StringComparison.Ordinal));
    }

    /// <summary>Sends the signal while the turn runs.</summary>
    private static async Task<string> LateWhileRunningAsync(
        FileApi files, HttpClient guest, string thread, string id, string trigger, Func<Task> signal)
    {
        var started = files.Emulator.Stats.Snapshot().ModelCalls;
        var posting = LastAsync(guest, Ui(thread, id, """[[emu chunks=10 every=50ms]]""", trigger: trigger));
        await files.Emulator.Stats.WaitForAsync(stats => stats.ModelCalls > started, TestContext.Current.CancellationToken);
        await signal();
        return await posting;
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_thread_ids_get_the_same_answer()
    {
        await using var files = await StartAsync();
        var (guest, other) = (await files.Api.GuestAsync(), await files.Api.GuestAsync());
        var thread = await FileApi.NewThreadAsync(other);

        await StopAsync(guest, thread, HttpStatusCode.Forbidden);
        await StopAsync(guest, Guid.CreateVersion7().ToString(), HttpStatusCode.Forbidden);
        await StopAsync(guest, new string('a', 65), HttpStatusCode.Forbidden);
    }

    /// <summary>Statements wait for their locks as long as the test needs, also on a busy machine.</summary>
    private Task<FileApi> StartAsync() =>
        FileApi.StartAsync(postgres, ("POSTGRES_GATE_TIMEOUT_MS", "60000"), ("POSTGRES_STATEMENT_TIMEOUT_MS", "60000"));

    /// <summary>Sends a chat request, and the abort of its thread while the request waits at the step.</summary>
    /// <returns>The type of the last event of the turn.</returns>
    private static async Task<string> StopAtAsync(
        FileApi files, HttpClient guest, string table, string mode, string step, string thread, object body)
    {
        await using var locked = await LockedTable.LockAsync(files.Api.ConnectionString, table, mode);
        var posting = LastAsync(guest, body);
        await locked.WaitForAsync(step);
        var stopping = StopAsync(guest, thread, HttpStatusCode.NoContent);
        // The abort may wait for the same table, after it has found the request.
        await Task.WhenAny(stopping, locked.WaitForAsync("abort turns of thread"));
        await locked.ReleaseAsync();
        await stopping;
        return await posting;
    }

    private static async Task StopAsync(HttpClient guest, string thread, HttpStatusCode status)
    {
        using var response = await guest.PostAsync($"/api/threads/{thread}/abort", null);
        Assert.Equal(status, response.StatusCode);
    }

    private static async Task<string> LastAsync(HttpClient guest, object body)
    {
        var events = await FileApi.ChatAsync(guest, body);
        return (string)events[^1]["type"]!;
    }

    private static async Task<string[]> MessagesAsync(HttpClient guest, string thread) =>
    [
        .. ((await (await guest.GetAsync($"/api/threads/{thread}/messages")).JsonAsync())["items"]!.AsArray())
            .Select(message => $"{(string)message!["role"]!} {(string?)message["status"]} {(string)message["content"]!}"),
    ];

    private static object Ui(
        string thread, string id, string text, string? edited = null, bool file = false, string trigger = "submit-message")
    {
        var photo = new
        {
            type = "file", mediaType = "image/png", filename = "a.png",
            url = $"data:image/png;base64,{Convert.ToBase64String(FileApi.Png())}",
        };
        return new
        {
            id = thread, modelId = "openai/gpt-5", trigger, messageId = edited,
            messages = new[]
            {
                new
                {
                    id, role = "user", parts = file ? [new { type = "text", text }, photo] : new object[] { new { type = "text", text } },
                },
            },
        };
    }
}
