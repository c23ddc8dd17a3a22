using System.Globalization;
using System.Net;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Readers on another replica than that of their turn: the first replica runs the turn, the second one reads its mirror. The turns pause
/// much longer than the shortened life of a mirror.
/// </summary>
public sealed class MirrorTests(SharedStores stores)
{
    private const int TtlMs = 1_000;

    private static readonly (string, string)[] Knobs = [("CHAT_MIRROR_TTL_MS", $"{TtlMs}"), ("ADMISSION_USER_MAX_INFLIGHT", "10")];

    [Theory]
    [InlineData(null)]
    [InlineData(300)]
    public async Task A_silence_longer_than_the_life_of_the_mirror_loses_nothing_and_a_new_reader_joins_in_it(int? commentMs)
    {
        await using var provider = await PausingProvider.StartAsync(Interval(commentMs));
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, [.. Knobs, .. provider.Knobs]);

        await ReadThroughSilenceAsync(sendcat, provider, turns: 1, TimeSpan.FromMilliseconds(3 * TtlMs));
    }

    /// <summary>
    /// An experiment of some four minutes with the default life of mirrors; a run of all tests leaves it out. Run it with
    /// <c>Sendcat.IntegrationTests -explicit only -method '*MirrorTests.Two_minutes*'</c>.
    /// </summary>
    [Theory(Explicit = true)]
    [InlineData(null)]
    [InlineData(10_000)]
    public async Task Two_minutes_of_silence_in_twenty_turns_at_once_lose_nothing(int? commentMs)
    {
        await using var provider = await PausingProvider.StartAsync(Interval(commentMs));
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, replicas: 2, provider.Knobs);

        await ReadThroughSilenceAsync(sendcat, provider, turns: 20, TimeSpan.FromSeconds(120));
    }

    [Fact]
    public async Task A_mirror_that_Redis_lost_is_written_again_and_its_readers_miss_nothing()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Knobs);
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=40 every=100ms]]");
        await using var local = await guest.ChatAsync(thread);
        var mirror = await MirrorOfAsync(local);
        await using var old = await there.ResumeAsync(thread);
        await old.ReadUntilAsync("content");

        await using var redis = await ConnectionMultiplexer.ConnectAsync(sendcat.Redis);
        Assert.True(await redis.GetDatabase().KeyDeleteAsync(mirror));
        await Eventually.TrueAsync(() => redis.GetDatabase().KeyDeleteAsync(mirror));
        await using var joining = await there.ResumeAsync(thread);
        await Task.WhenAll(local.ReadToEndAsync(), old.ReadToEndAsync(), joining.ReadToEndAsync());

        Assert.Equal(string.Join(' ', Enumerable.Range(1, 40)), local.Text.Trim());
        Assert.Equal((local.Text, "done"), (old.Text, old.Types[^1]));
        Assert.Equal((local.Text, "done"), (joining.Text, joining.Types[^1]));
    }

    [Fact]
    public async Task A_gap_in_a_mirror_is_an_error_and_never_skipped()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Knobs);
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=2000 every=25ms]]");
        await using var local = await guest.ChatAsync(thread);
        var mirror = await MirrorOfAsync(local);
        await using (var first = await there.ResumeAsync(thread))
        {
            await first.ReadUntilAsync("content");
            await first.ReadUntilAsync("content");
        }

        await using var redis = await ConnectionMultiplexer.ConnectAsync(sendcat.Redis);
        var content = (await redis.GetDatabase().StreamRangeAsync(mirror)).First(
            entry => entry["e"].ToString().Contains("content", StringComparison.Ordinal));
        Assert.Equal(1, await redis.GetDatabase().StreamDeleteAsync(mirror, [content.Id]));
        await using var second = await there.ResumeAsync(thread);
        await second.ReadToEndAsync();

        Assert.Equal((HttpStatusCode.OK, "", "error"), (second.Status, second.Text, second.Types[^1]));
        Assert.Equal("upstream_unavailable", second.Events[^1].GetProperty("code").GetString());
        await local.ReadUntilAsync("content");
    }

    [Fact]
    public async Task After_Redis_restarts_empty_its_readers_miss_nothing_and_new_readers_find_the_turn()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), replicas: 2, Knobs);
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=2000 every=25ms]]");
        await using var local = await guest.ChatAsync(thread);
        await using var old = await there.ResumeAsync(thread);
        await old.ReadUntilAsync("content");

        await redis.KillAsync();
        await redis.StartAgainAsync();

        ChatStream? joining = null;
        await Eventually.TrueAsync(async () => (joining = await there.ResumeAsync(thread)).Status == HttpStatusCode.OK);
        await joining!.ReadUntilAsync("content");
        using var stopped = await guest.AbortLatestAsync(thread);
        await Task.WhenAll(local.ReadToEndAsync(), old.ReadToEndAsync(), joining.ReadToEndAsync());
        Assert.DoesNotContain("error", (string[])[.. old.Types, .. joining.Types]);
        Assert.Equal(local.Text, old.Text);
        Assert.Equal(local.Text, joining.Text);
        await joining.DisposeAsync();
    }

    [Fact]
    public async Task A_silent_turn_keeps_its_remote_reader_when_its_thread_has_a_newer_turn()
    {
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, Knobs);
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.NewThreadAsync("[[emu chunks=6 every=0 stall-after=3 stall=6s]]");
        await using var older = await guest.ChatAsync(thread);
        await older.ReadUntilAsync("content");
        await using var remote = await there.ResumeAsync(thread);
        await remote.ReadUntilAsync("content");

        await guest.AddMessageAsync(thread, "[[emu chunks=1]]");
        await using var newer = await guest.ChatAsync(thread);
        await newer.ReadToEndAsync();
        await Task.WhenAll(older.ReadToEndAsync(), remote.ReadToEndAsync());

        Assert.Equal(("1 2 3 4 5 6", "done"), (older.Text.Trim(), older.Types[^1]));
        Assert.Equal((older.Text, "done"), (remote.Text, remote.Types[^1]));
    }

    private static async Task ReadThroughSilenceAsync(SendcatSystem sendcat, PausingProvider provider, int turns, TimeSpan silence)
    {
        var maxWait = silence + TimeSpan.FromSeconds(60);
        var paused = await Task.WhenAll(Enumerable.Range(0, turns).Select(_ => PausedTurn.StartAsync(sendcat, maxWait)));

        // No signal reports that a mirror has outlived its first expiry.
        await Task.Delay(silence, TimeProvider.System, TestContext.Current.CancellationToken);
        await Task.WhenAll(paused.Select(turn => turn.JoinAsync(maxWait)));
        provider.Continue();

        foreach (var turn in paused)
        {
            Assert.Equal(Enumerable.Repeat($"{PausingProvider.Answer}done", 3), await turn.ReadToEndAsync());
            await turn.DisposeAsync();
        }
    }

    private static TimeSpan? Interval(int? milliseconds) => milliseconds is { } ms ? TimeSpan.FromMilliseconds(ms) : null;

    /// <summary>The key of the mirror of the stream's turn.</summary>
    private static async Task<RedisKey> MirrorOfAsync(ChatStream stream)
    {
        var start = await stream.ReadUntilAsync("start");
        return RedisKeys.TurnMirror(Guid.Parse(start.GetProperty("streamId").GetString()!.Split(':')[1], CultureInfo.InvariantCulture));
    }
}
