using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using RabbitMQ.Client;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ToolJobBrokerTests
{
    [Fact]
    public async Task Rebuilding_a_queue_that_does_not_respond_ends_after_the_queue_timeout()
    {
        var time = new FakeTimeProvider();
        var channel = Substitute.For<IChannel>();
        channel.QueueDeleteAsync(default!, default, default, default, default).ReturnsForAnyArgs(new TaskCompletionSource<uint>().Task);
        var connection = Substitute.For<IConnection>();
        connection.CreateChannelAsync(default, default).ReturnsForAnyArgs(channel);
        var broker = new ToolJobBroker(_ => Task.FromResult(connection), time);

        var rebuilding = broker.RebuildAsync(QueuedTool.SearchWeb.Lane, TestContext.Current.CancellationToken);
        Assert.False(rebuilding.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));

        await Assert.ThrowsAsync<TimeoutException>(() => rebuilding);
        await channel.Received(1).DisposeAsync();
    }
}
