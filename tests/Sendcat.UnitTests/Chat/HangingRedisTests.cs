using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.Reliability;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Chat;

/// <summary>Requests about turns while Redis is connected and does not respond.</summary>
public sealed class HangingRedisTests
{
    /// <summary>A request that does not end fails the test after this time.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly IConnectionMultiplexer _redis = Substitute.For<IConnectionMultiplexer>();

    public HangingRedisTests()
    {
        var subscriber = Substitute.For<ISubscriber>();
        subscriber.PublishAsync(Arg.Any<RedisChannel>(), Arg.Any<RedisValue>(), Arg.Any<CommandFlags>())
            .Returns(new TaskCompletionSource<long>().Task);
        _redis.GetSubscriber(Arg.Any<object?>()).Returns(subscriber);
        var database = Substitute.For<IDatabase>();
        database.StringGetAsync(Arg.Any<RedisKey>(), Arg.Any<CommandFlags>()).Returns(new TaskCompletionSource<RedisValue>().Task);
        _redis.GetDatabase(Arg.Any<int>(), Arg.Any<object?>()).Returns(database);
    }

    [Fact]
    public async Task A_signal_is_sent_without_waiting_longer_than_its_timeout()
    {
        var signals = new TurnSignals(_redis, ReplicaId.New(), null!, null!, null!, _time, Outages, NullLogger<TurnSignals>.Instance);

        var aborting = signals.AbortThreadAsync(Guid.NewGuid(), _time.GetUtcNow());
        Assert.False(aborting.IsCompleted);
        _time.Advance(TurnSignals.ResponseTimeout);

        await aborting.WaitAsync(MaxWait);
    }

    [Fact]
    public async Task A_turn_is_reported_as_not_looked_up_after_the_timeout()
    {
        var directory = new TurnDirectory(_redis, ReplicaId.New(), _time, Outages, NullLogger<TurnDirectory>.Instance);

        var finding = directory.LookUpAsync(Guid.NewGuid());
        Assert.False(finding.IsCompleted);
        _time.Advance(TurnDirectory.ResponseTimeout);

        Assert.Equal((false, (TurnLocation?)null), await finding.WaitAsync(MaxWait));
    }

    private StoreOutages Outages => StoreOutagesFeature.Create(NullLogger.Instance, _time);
}
