using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ServiceDefaults.Connections;

namespace Sendcat.UnitTests.ServiceDefaults;

public sealed class ConnectionCapTests
{
    [Theory]
    [InlineData(20_000, 360, 14_000)]
    [InlineData(1_024, 100, 717)]
    [InlineData(1_024, 360, 504)]
    [InlineData(600, 300, 140)]
    [InlineData(400, 360, 16)]
    public void The_cap_leaves_what_the_process_itself_needs(long descriptors, int open, int connections)
    {
        var cap = ConnectionCap.Of(descriptors, open);

        Assert.Equal((connections, descriptors - connections), (cap.Connections, cap.Reserved));
    }

    [Fact]
    public void The_limit_of_this_process_is_known() => Assert.InRange(ConnectionCap.OfThisProcess().Connections, 10, 1_000_000);

    [Fact]
    public async Task A_client_beyond_the_cap_is_closed_before_the_next_is_accepted()
    {
        var (listener, sockets, count) = Listener(cap: 2, () => true);
        var clients = Enumerable.Range(0, 4).Select(_ => new Client()).ToArray();
        foreach (var client in clients)
        {
            sockets.Arrive(client);
        }

        var first = await listener.AcceptAsync();
        await listener.AcceptAsync();
        var waiting = listener.AcceptAsync().AsTask();

        await clients[2].Disposed.Task;
        await clients[3].Disposed.Task;
        Assert.True(clients[2].Aborted && clients[3].Aborted);
        Assert.False(clients[0].Aborted || clients[1].Aborted || waiting.IsCompleted);

        await first!.DisposeAsync();
        await first.DisposeAsync();
        Assert.Equal(1, count.Open);
        var next = new Client();
        sockets.Arrive(next);
        Assert.Equal(next.ConnectionId, (await waiting)!.ConnectionId);
    }

    [Fact]
    public async Task A_process_without_descriptors_does_not_try_to_accept()
    {
        var left = true;
        var time = new FakeTimeProvider();
        var (listener, sockets, _) = Listener(cap: 10, () => left, time);
        var accepting = listener.AcceptAsync().AsTask();
        await sockets.Tried(1);

        left = false;
        time.Advance(DescriptorWatch.Interval);
        await sockets.GivenUp(1);
        time.Advance(DescriptorWatch.Interval * 50);
        Assert.False(accepting.IsCompleted);
        Assert.Equal(1, sockets.Tries);

        left = true;
        time.Advance(DescriptorWatch.Interval);
        await sockets.Tried(2);
        sockets.Arrive(new Client());
        Assert.NotNull(await accepting);
    }

    private static (CappedListener Listener, Sockets Sockets, ConnectionCount Count) Listener(int cap, Func<bool> anyLeft, TimeProvider? time = null)
    {
        var sockets = new Sockets();
        var count = new ConnectionCount(new ConnectionCap(cap * 2, cap), TimeProvider.System, NullLogger<ConnectionCount>.Instance);
        return (new CappedListener(sockets, count, new DescriptorWatch(anyLeft, time ?? TimeProvider.System), NullLogger<CappedListener>.Instance), sockets, count);
    }

    private sealed class Sockets : IConnectionListener
    {
        private readonly Channel<ConnectionContext> _arrived = Channel.CreateUnbounded<ConnectionContext>();
        private readonly SemaphoreSlim _tried = new(0);
        private readonly SemaphoreSlim _givenUp = new(0);
        private int _tries;

        public EndPoint EndPoint => new IPEndPoint(IPAddress.Loopback, 1);

        public int Tries => _tries;

        public void Arrive(ConnectionContext client) => _arrived.Writer.TryWrite(client);

        public async Task Tried(int times)
        {
            while (_tries < times)
            {
                await _tried.WaitAsync();
            }
        }

        public async Task GivenUp(int times)
        {
            for (var n = 0; n < times; n++)
            {
                await _givenUp.WaitAsync();
            }
        }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _tries);
            _tried.Release();
            try
            {
                return await _arrived.Reader.ReadAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _givenUp.Release();
                throw;
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Client : ConnectionContext
    {
        public TaskCompletionSource Disposed { get; } = new();

        public bool Aborted { get; private set; }

        public override string ConnectionId { get; set; } = Guid.NewGuid().ToString();

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override IDuplexPipe Transport { get; set; } = null!;

        public override void Abort(ConnectionAbortedException abortReason) => Aborted = true;

        public override ValueTask DisposeAsync()
        {
            Disposed.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
