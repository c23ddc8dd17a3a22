using System.Net;
using Npgsql;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Identical requests to two replicas at the same time, while Redis does not respond: no claim on the message is shared then, and Postgres
/// decides which of the two starts the turn. Each test has its own servers.
/// </summary>
public sealed class RepeatedWithoutRedisTests
{
    private const int Pairs = 20;
    private const int Chunks = 30;

    /// <summary>How a request means its message.</summary>
    public enum Form
    {
        /// <summary>The request brings the message, with its id.</summary>
        New,

        /// <summary>An earlier request has stored the message.</summary>
        Stored,

        /// <summary>The answer to the message was cut.</summary>
        Cut,
    }

    [Theory]
    [InlineData(Form.New, false)]
    [InlineData(Form.Stored, false)]
    [InlineData(Form.Cut, false)]
    [InlineData(Form.New, true)]
    public async Task One_of_two_identical_requests_calls_the_model_and_the_other_one_joins_it_or_is_refused(Form form, bool redisHangs)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await StartAsync(redis, postgres);
        var chats = await Task.WhenAll(Enumerable.Range(0, Pairs).Select(n => ChatAsync(sendcat, form, n)));
        await (redisHangs ? redis.PauseAsync() : redis.KillAsync());
        var started = Started(sendcat);

        var pairs = await Task.WhenAll(chats.Select(chat => Task.WhenAll(PostAsync(chat, 0, form), PostAsync(chat, 1, form))));

        var streams = pairs.SelectMany(pair => pair).ToArray();
        await Task.WhenAll(streams.Where(stream => stream.Status == HttpStatusCode.OK).Select(stream => stream.ReadToEndAsync()));

        Assert.Equal(started + Pairs, Started(sendcat));
        Assert.All(pairs, pair => Assert.Contains(pair, stream => stream.Status == HttpStatusCode.OK));
        foreach (var stream in streams)
        {
            if (stream.Status == HttpStatusCode.OK)
            {
                Assert.Equal(string.Join(' ', Enumerable.Range(1, Chunks)), TextOf(stream));
            }
            else
            {
                await stream.Response.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable", "redis_unavailable");
            }
        }

        foreach (var chat in chats)
        {
            var messages = await chat.Guest.MessagesAsync(chat.Thread);
            Assert.Equal(["user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
            Assert.Equal("completed", messages[^1].GetProperty("status").GetString());
        }

        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }

        foreach (var chat in chats)
        {
            chat.Dispose();
        }
    }

    [Theory]
    [InlineData(Form.New)]
    [InlineData(Form.Stored)]
    [InlineData(Form.Cut)]
    public async Task Of_two_requests_that_have_both_read_the_thread_one_calls_the_model(Form form)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await StartAsync(redis, postgres);
        using var chat = await ChatAsync(sendcat, form, 0);
        await redis.KillAsync();
        var started = Started(sendcat);

        // No turn of the thread can be committed until both requests have read it and were admitted.
        await using var holder = NpgsqlDataSource.Create(sendcat.Database);
        await using var connection = await holder.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var hold = $"select from threads where id = '{chat.Thread}' for no key update";
        await using (var command = new NpgsqlCommand(hold, connection, transaction))
        {
            await command.ExecuteNonQueryAsync();
        }

        var posts = Task.WhenAll(PostAsync(chat, 0, form), PostAsync(chat, 1, form));
        await Eventually.TrueAsync(async () => Started(sendcat) == started + 2 || await CommitsThatWaitAsync(holder) == 2);
        await transaction.CommitAsync();
        var streams = await posts;
        await Task.WhenAll(streams.Where(stream => stream.Status == HttpStatusCode.OK).Select(stream => stream.ReadToEndAsync()));

        Assert.Equal(started + 1, Started(sendcat));
        var answer = Assert.Single(streams, stream => stream.Status == HttpStatusCode.OK);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, Chunks)), TextOf(answer));
        await streams.Single(stream => stream != answer).Response
            .RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable", "redis_unavailable");
        var messages = await chat.Guest.MessagesAsync(chat.Thread);
        Assert.Equal(["user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_turn_whose_start_Postgres_rejects_is_refused_and_calls_no_model()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var sendcat = await StartAsync(redis, postgres);
        using var chat = await ChatAsync(sendcat, Form.New, 0);
        await redis.KillAsync();
        var started = Started(sendcat);
        await using var database = NpgsqlDataSource.Create(sendcat.Database);
        await using var rejecting = database.CreateCommand("""
            create function reject() returns trigger language plpgsql as $$ begin raise 'rejected'; end $$;
            create trigger reject before insert on messages for each row execute function reject()
            """);
        await rejecting.ExecuteNonQueryAsync();

        await using var refused = await PostAsync(chat, 0, Form.New);

        await refused.Response.RefusedAsync(HttpStatusCode.InternalServerError, "internal_error");
        Assert.Equal(started, Started(sendcat));
        Assert.Empty(await chat.Guest.MessagesAsync(chat.Thread));
    }

    /// <summary>Two replicas that decide on their own without Redis.</summary>
    private static async Task<SendcatSystem> StartAsync(RedisServer redis, PostgresServer postgres) => await SendcatSystem.StartAsync(
        redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), replicas: 2, ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"),
        ("REDIS_DECISION_TIMEOUT_MS", "50"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"), ("POSTGRES_GATE_TIMEOUT_MS", "10000"));

    private static Task<ChatStream> PostAsync(Chat chat, int replica, Form form)
    {
        var client = replica == 0 ? chat.Guest : chat.Elsewhere;
        return form is Form.Stored ? client.ChatAsync(chat.Thread) : client.PostChatAsync(UseChat.Body(chat.Thread, chat.Prompt, "m1"));
    }

    private static async Task<long> CommitsThatWaitAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<Chat> ChatAsync(SendcatSystem sendcat, Form form, int number)
    {
        var guest = await sendcat.GuestAsync();
        var prompt = $"[[emu chunks={Chunks} every=50ms]]"
            + (form is Form.Cut ? $" [[emu times=1 key=cut-{number} chunks=8 hang=mid]]" : "");
        var thread = form is Form.Stored ? await guest.NewThreadAsync(prompt) : await guest.NewThreadAsync();
        if (form is Form.Cut)
        {
            await using var cut = await guest.PostChatAsync(UseChat.Body(thread, prompt, "m1"));
            await cut.ReadUntilAsync("text-delta");
            using var stopped = await guest.AbortLatestAsync(thread);
            await cut.ReadToEndAsync();
        }

        return new Chat(guest, guest.At(sendcat.Replicas[1]), thread, prompt);
    }

    private static string TextOf(ChatStream stream)
    {
        var deltas = stream.Events.Where(e => e.GetProperty("type").GetString() == "text-delta");
        return (stream.Text + string.Concat(deltas.Select(e => e.GetProperty("delta").GetString()))).Trim();
    }

    private static long Started(SendcatSystem sendcat) => sendcat.Model.Stats.Snapshot().ModelCalls;

    /// <param name="Guest">A client of the first replica.</param>
    /// <param name="Elsewhere">The same guest at the second replica.</param>
    private sealed record Chat(SendcatClient Guest, SendcatClient Elsewhere, string Thread, string Prompt) : IDisposable
    {
        public void Dispose()
        {
            Guest.Dispose();
            Elsewhere.Dispose();
        }
    }
}
