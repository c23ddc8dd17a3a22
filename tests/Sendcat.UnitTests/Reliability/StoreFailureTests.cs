using System.IO.Pipelines;
using Npgsql;
using Pipelines.Sockets.Unofficial;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Loops and requests survive exactly these exceptions of a store. Any other exception is a bug and is logged as one.</summary>
public sealed class StoreFailureTests
{
    private static readonly Exception Bug = new NullReferenceException();
    private static readonly Exception BugInAnArgument = new ArgumentOutOfRangeException();

    [Fact]
    public void Postgres_fails_with_its_own_exceptions_and_timeouts()
    {
        Assert.True(PostgresFailure.Is(new NpgsqlException()));
        Assert.True(PostgresFailure.Is(new PostgresException("no", "FATAL", "FATAL", "57P01")));
        Assert.True(PostgresFailure.Is(new TimeoutException()));
        Assert.False(PostgresFailure.Is(new TaskCanceledException()));
        Assert.True(PostgresFailure.IsOrCancelled(new TaskCanceledException()));
        Assert.False(PostgresFailure.IsOrCancelled(Bug));
    }

    [Fact]
    public void The_broker_fails_with_its_own_exceptions_broken_connections_and_timeouts()
    {
        Exception[] failures =
        [
            new BrokerUnreachableException(new IOException()), new AlreadyClosedException(new(ShutdownInitiator.Peer, 320, "closed")),
            new IOException(), new ObjectDisposedException("channel"), new TimeoutException(), new TaskCanceledException(),
        ];

        Assert.All(failures, failure => Assert.True(BrokerFailure.Is(failure)));
        Assert.False(BrokerFailure.Is(Bug));
        Assert.False(BrokerFailure.Is(new InvalidOperationException()));
    }

    [Fact]
    public void Redis_fails_with_its_own_exceptions_broken_connections_and_timeouts()
    {
        Exception[] failures =
        [
            new RedisConnectionException(ConnectionFailureType.SocketFailure, "gone"),
            new RedisTimeoutException("slow", CommandStatus.Sent),
            new TimeoutException(), new ObjectDisposedException("multiplexer"), new ConnectionResetException("reset"),
            new ConnectionAbortedException("closed"), new TaskCanceledException(),
            Assert.Throws<ArgumentOutOfRangeException>(() => new Pipe().Writer.Advance(1)),
        ];

        Assert.All(failures, failure => Assert.True(RedisFailure.Is(failure)));
        Assert.False(RedisFailure.Is(Bug));
        Assert.False(RedisFailure.Is(BugInAnArgument));
        Assert.False(RedisFailure.Is(new TaskCanceledException("The caller cancelled.", null, new(canceled: true))));
    }
}
