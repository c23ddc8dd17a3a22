using Microsoft.Extensions.Logging.Abstractions;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Readers of a mirror that the test writes.</summary>
public sealed class RemoteTurnTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Twenty_readers_of_a_large_answer_share_one_copy_of_it()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync((await stores.RedisAsync()).CreateDatabase());
        var store = new MirrorStore(redis);
        var outages = StoreOutagesFeature.Create(NullLogger.Instance, TimeProvider.System);
        var signals = new TurnSignals(
            redis, ReplicaId.New(), null!, null!, null!, TimeProvider.System, outages, NullLogger<TurnSignals>.Instance);
        var remote = new RemoteTurn(redis, store, signals, TimeProvider.System, outages, NullLogger<RemoteTurn>.Instance);
        var location = new TurnLocation(Guid.NewGuid(), Guid.NewGuid(), UsesUiDialect: false);
        var delta = new string('x', TurnFeed.MaxDeltaLength);
        MirrorEntry[] entries =
        [
            new(1, 0, new ChatEvent.Start("m", "s", "t", default, 0)),
            .. Enumerable.Range(0, 128).Select(n => new MirrorEntry(1, 1 + (n * (long)delta.Length), new ChatEvent.Content(delta))),
            new(1, 1 + (128L * delta.Length), new ChatEvent.Done("stop")),
        ];
        Assert.True(await store.AppendAsync(location.StreamId, null, entries, MaxWait));

        var followed = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => remote.FollowAsync(location, TestContext.Current.CancellationToken)));

        var readers = followed.Select(outcome => outcome!.Value.TryGet(out var reader, out _) ? reader : null).ToList();
        Assert.All(readers, reader => Assert.Same(readers[0]!.Feed, reader!.Feed));
        using var feed = readers[0]!.Feed.Open();
        var characters = 0;
        FeedRead read;
        while ((read = feed.TryRead(out var chatEvent)) != FeedRead.End)
        {
            characters += chatEvent?.DeltaText?.Length ?? 0;
            if (read == FeedRead.Nothing)
            {
                await feed.WaitAsync().AsTask().WaitAsync(MaxWait, TestContext.Current.CancellationToken);
            }
        }

        Assert.Equal(128 * delta.Length, characters);
        readers.ForEach(reader => reader!.Dispose());
    }
}
