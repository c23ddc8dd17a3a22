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
    public void The_cap_reserves_the_descriptors_that_the_process_needs(long descriptors, int open, int connections)
    {
        var cap = ConnectionCap.Of(descriptors, open);

        Assert.Equal((connections, descriptors - connections), (cap.Connections, cap.Reserved));
    }

    [Fact]
    public void The_cap_of_this_process_is_in_a_plausible_range() =>
        Assert.InRange(ConnectionCap.OfThisProcess().Connections, 10, 1_000_000);

    [Fact]
    public async Task A_connection_beyond_the_cap_is_aborted_before_the_next_is_accepted()
    {
        var (listener, sockets, count) = Listener(cap: 2, () => true);
        var clients = Enumerable.Range(0, 4).Select(_ => new Client()).ToArray();
        foreach (var client in clients)
        {
            sockets.Enqueue(client);
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
        sockets.Enqueue(next);
        Assert.Equal(next.ConnectionId, (await waiting)!.ConnectionId);
    }

    [Fact]
    public async Task A_process_without_free_descriptors_does_not_accept_connections()
    {
        var descriptorsLeft = true;
        var time = new FakeTimeProvider();
        var (listener, sockets, _) = Listener(cap: 10, () => descriptorsLeft, time);
        var accepting = listener.AcceptAsync().AsTask();
        await sockets.WaitForAcceptCallsAsync(1);

        descriptorsLeft = false;
        time.Advance(DescriptorWatch.Interval);
        await sockets.WaitForCancelledAcceptsAsync(1);
        time.Advance(DescriptorWatch.Interval * 50);
        Assert.False(accepting.IsCompleted);
        Assert.Equal(1, sockets.AcceptCalls);

        descriptorsLeft = true;
        time.Advance(DescriptorWatch.Interval);
        await sockets.WaitForAcceptCallsAsync(2);
        sockets.Enqueue(new Client());
        Assert.NotNull(await accepting);
    }

    private static (
        CappedListener Listener, Sockets Sockets, ConnectionCount Count) Listener(int cap, Func<bool> anyLeft, TimeProvider? time = null)
    {
        var sockets = new Sockets();
        var count = new ConnectionCount(new ConnectionCap(cap * 2, cap), TimeProvider.System, NullLogger<ConnectionCount>.Instance);
        return (
            new CappedListener(
                sockets, count, new DescriptorWatch(anyLeft, time ?? TimeProvider.System), NullLogger<CappedListener>.Instance),
            sockets, count);
    }

    private sealed class Sockets : IConnectionListener
    {
        private readonly Channel<ConnectionContext> _clients = Channel.CreateUnbounded<ConnectionContext>();
        private readonly SemaphoreSlim _called = new(0);
        private readonly SemaphoreSlim _cancelled = new(0);
        private int _acceptCalls;

        public EndPoint EndPoint => new IPEndPoint(IPAddress.Loopback, 1);

        public int AcceptCalls => _acceptCalls;

        public void Enqueue(ConnectionContext client) => _clients.Writer.TryWrite(client);

        public async Task WaitForAcceptCallsAsync(int times)
        {
            while (_acceptCalls < times)
            {
                await _called.WaitAsync();
            }
        }

        public async Task WaitForCancelledAcceptsAsync(int times)
        {
            for (var n = 0; n < times; n++)
            {
                await _cancelled.WaitAsync();
            }
        }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _acceptCalls);
            _called.Release();
            try
            {
                return await _clients.Reader.ReadAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _cancelled.Release();
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
