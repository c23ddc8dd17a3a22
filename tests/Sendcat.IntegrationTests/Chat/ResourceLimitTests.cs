using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Limits on what clients and models use of a process: file descriptors, unread output, and the size of answers and threads.
/// </summary>
public sealed class ResourceLimitTests(SharedStores stores)
{
    private const int Descriptors = 1_000;

    [Fact]
    public async Task Idle_sockets_beyond_the_connection_cap_are_closed_at_once_and_streams_continue()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 0);
        var api = await sendcat.AddProcessAsync(Descriptors);
        var capped = await api.Process.WaitForLineAsync(
            line => line.Contains("Connections capped at", StringComparison.Ordinal), TimeSpan.FromSeconds(5));
        Assert.Contains("1000 descriptors", capped, StringComparison.Ordinal);
        var cap = int.Parse(capped.Split("capped at ")[1].Split(':')[0], CultureInfo.InvariantCulture);
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.NewThreadAsync("[[emu chunks=4000 every=25ms]]"));
        await stream.ReadUntilAsync("content");

        var idle = new List<TcpClient>();
        try
        {
            for (var n = 0; n < 2 * Descriptors; n++)
            {
                var client = new TcpClient();
                idle.Add(client);
                // The server may reset a connection before the client has seen it open.
                await client.ConnectAsync(api.Address.Host, api.Address.Port)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }

            var closed = await Task.WhenAll(idle.Select(IsClosedAsync));

            // The connections of the guest count too.
            Assert.InRange(closed.Count(it => it), (2 * Descriptors) - cap, (2 * Descriptors) - cap + 20);
            Assert.InRange(OpenDescriptors(api), 200, Descriptors - 1);
            for (var n = 0; n < 20; n++)
            {
                await stream.ReadUntilAsync("content");
            }

            Assert.False(api.Process.Exited.IsCompleted);
            Assert.DoesNotContain("File descriptors exhausted", api.Process.Output, StringComparison.Ordinal);
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }

        // No signal reports that the server has noticed the closed sockets.
        await Eventually.TrueAsync(async () => (await guest.Http.GetAsync("/health")).IsSuccessStatusCode);
        await stream.ReadUntilAsync("content");
    }

    [Fact]
    public async Task A_client_that_never_reads_is_disconnected_and_its_turn_continues()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(
            stores, replicas: 1, ("CHAT_WRITE_TIMEOUT_MS", "2000"), ("CHAT_DETACH_GRACE_MS", "60000"),
            ("CHAT_MAX_ANSWER_CHARS", "4000000"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("[[emu chunks=1600 size=2000 every=2ms]]");
        using var unread = new TcpClient { ReceiveBufferSize = 4_096 };
        await unread.ConnectAsync(sendcat.Api.Address.Host, sendcat.Api.Address.Port);
        var body = JsonSerializer.Serialize(new { threadId = thread, sessionId = guest.SessionId });
        await unread.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            "POST /api/chat HTTP/1.1\r\nHost: sendcat\r\nContent-Type: application/json\r\nContent-Length: "
            + $"{body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n{body}"));

        await sendcat.Api.Process.WaitForLineAsync(
            line => line.Contains("accepted no data", StringComparison.Ordinal), TimeSpan.FromSeconds(60));

        // The answer exceeds the size of a page of messages, so it is read from Postgres. The journal writes it in the background.
        await using var database = NpgsqlDataSource.Create(sendcat.Database);
        await using var completed = database.CreateCommand(
            "select count(*) from messages where role = 'assistant' and status = 'completed' and length(content) >= 3000000");
        await Eventually.TrueAsync(async () => await completed.ExecuteScalarAsync() is 1L);
    }

    /// <summary>
    /// A measurement of the memory of the reading replica, which a run of all tests leaves out. Run it with
    /// <c>Sendcat.IntegrationTests -explicit only -method '*ResourceLimitTests.Twenty_readers*' -showLiveOutput</c>.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task Twenty_readers_of_a_very_large_answer_on_another_replica_cost_less_than_half_a_copy_each()
    {
        const int Megabyte = 1_024 * 1_024;
        const int CopyBytes = 2 * 3_200_000;
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 2, ("CHAT_MAX_ANSWER_CHARS", "4000000"));
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=1610 size=2000 every=1ms stall-after=1600 stall=30s comments=1s]]");
        await using var local = await guest.ChatAsync(thread);
        await ReadAsync(local);
        var idle = sendcat.Replicas[1].MemoryBytes;
        await using var first = await there.ResumeAsync(thread);
        await ReadAsync(first);
        var one = sendcat.Replicas[1].MemoryBytes;

        var readers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => there.ResumeAsync(thread)));
        await Task.WhenAll(readers.Select(ReadAsync));
        var all = sendcat.Replicas[1].MemoryBytes;

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"idle {idle / Megabyte} MiB, one reader {one / Megabyte} MiB, 21 readers {all / Megabyte} MiB; a copy has "
            + $"{CopyBytes / Megabyte} MiB");
        Assert.InRange(all - one, long.MinValue, 20L * CopyBytes / 2);
        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }

        async Task ReadAsync(ChatStream stream)
        {
            var read = 0;
            while (read < 1_600 * 2_000)
            {
                read += (await stream.ReadUntilAsync("content")).GetProperty("content").GetString()!.Length;
            }
        }
    }

    [Theory]
    [InlineData("[[emu chunks=100 size=100 every=0]]", "")]
    [InlineData("[[emu chunks=100 size=100 every=0]]", "?stream=ui")]
    [InlineData("[[emu reasoning chunks=100 size=100 every=0]]", "")]
    [InlineData("[[emu giant-line=900000 giant-after=1 chunks=3 every=0]]", "")]
    public async Task An_answer_over_the_length_limit_ends_with_the_finish_reason_length(string prompt, string query)
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 1, ("CHAT_MAX_ANSWER_CHARS", "1000"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(prompt);

        await using var stream = await guest.ChatAsync(thread, query: query);
        await stream.ReadToEndAsync();

        if (query.Length == 0)
        {
            Assert.Equal("done", stream.Types[^1]);
            Assert.Equal(
                "length",
                stream.Events.Last(e => e.GetProperty("type").GetString() == "usage").GetProperty("metrics").GetProperty("finishReason")
                    .GetString());
        }
        else
        {
            Assert.Equal("length", stream.Events[^1].GetProperty("finishReason").GetString());
        }

        var answer = (await guest.MessagesAsync(thread))[1];
        Assert.Equal("completed", answer.GetProperty("status").GetString());
        var reasoning = answer.TryGetProperty("reasoningContent", out var text) ? text.GetString()?.Length ?? 0 : 0;
        Assert.Equal(1_000, answer.GetProperty("content").GetString()!.Length + reasoning);
    }

    [Fact]
    public async Task A_thread_with_very_large_messages_can_be_read_and_answered()
    {
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 1, ("BYTES_PER_GUEST_MAX", "200000000"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync("first");
        await using (var database = NpgsqlDataSource.Create(sendcat.Database))
        {
            await using var insert = database.CreateCommand(
                """
                insert into messages (id, thread_id, role, content, status, created_at)
                select gen_random_uuid(), $1, 'assistant', repeat('x', 30000000), 'completed', now() from generate_series(1, 3)
                """);
            insert.Parameters.Add(new() { Value = Guid.Parse(thread) });
            await insert.ExecuteNonQueryAsync();
        }

        await guest.AddMessageAsync(thread, """[[emu text="Still here."]] and now?""");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();
        var page = await guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}/messages?limit=100");

        Assert.Equal(("Still here.", "done"), (stream.Text, stream.Types[^1]));
        Assert.Single(page.GetProperty("items").EnumerateArray());
        var sizes = new List<int>();
        for (var cursor = page.GetProperty("nextCursor").GetString(); cursor is not null;)
        {
            page = await guest.Http.GetFromJsonAsync<JsonElement>($"/api/threads/{thread}/messages?limit=100&cursor={cursor}");
            sizes.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("content").GetString()!.Length));
            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }

        Assert.Equal(3, sizes.Count(size => size == 30_000_000));
        Assert.Equal(5, sizes.Count);
    }

    /// <summary>Whether the server closed the connection. A connection without data for 3 s counts as open.</summary>
    private static async Task<bool> IsClosedAsync(TcpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            return !client.Connected || await client.GetStream().ReadAsync(new byte[1], timeout.Token) == 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static int OpenDescriptors(Replica api) =>
        Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{api.Process.Id}/fd")).Count();
}
