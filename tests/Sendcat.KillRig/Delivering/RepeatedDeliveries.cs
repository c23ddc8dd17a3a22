using System.Collections.Concurrent;

namespace Sendcat.KillRig.Delivering;

/// <summary>
/// Delivers as senders of webhooks do while the replicas are killed: again to another replica until one has acknowledged, and some again
/// after that.
/// </summary>
/// <param name="replicas">The number of replicas.</param>
/// <param name="perSecond">New deliveries per second.</param>
/// <param name="time">The clock.</param>
internal sealed class RepeatedDeliveries<T>(int replicas, double perSecond, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Of so many deliveries, one is repeated after its acknowledgement, by three requests at once.</summary>
    private const int RepeatEvery = 4;

    private static readonly TimeSpan RedeliveryDelay = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abandon = new(Timeout.InfiniteTimeSpan, time);
    private readonly ConcurrentQueue<T> _acknowledged = [];
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _next = [];
    private Task _all = Task.CompletedTask;
    private int _redeliveries;
    private int _unrecognizedReplays;

    /// <summary>What a replica has acknowledged with 200.</summary>
    public IReadOnlyCollection<T> Acknowledged => _acknowledged;

    /// <summary>Deliveries after the first.</summary>
    public int Redeliveries => _redeliveries;

    /// <summary>Deliveries after an acknowledgement that were not answered as a replay.</summary>
    public int UnrecognizedReplays => _unrecognizedReplays;

    /// <summary>Begins the deliveries.</summary>
    /// <param name="create">Creates a delivery; its number counts from 1.</param>
    /// <param name="deliver">
    /// Sends it to a replica. The result is whether it was acknowledged as a replay; null: it was not acknowledged.
    /// </param>
    public void Start(Func<int, Task<T>> create, Func<int, T, Task<bool?>> deliver) => _all = DeliverAllAsync(create, deliver);

    /// <summary>Makes no new deliveries, and repeats those that were made until each is acknowledged, for at most a minute.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        _abandon.CancelAfter(StopTimeout);
        await _all;
    }

    /// <summary>Completes when this replica acknowledges a delivery.</summary>
    public Task NextAcknowledgementAsync(int replica) =>
        _next.GetOrAdd(replica, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _abandon.CancelAsync();
        await _all;
        _stop.Dispose();
        _abandon.Dispose();
    }

    private async Task DeliverAllAsync(Func<int, Task<T>> create, Func<int, T, Task<bool?>> deliver)
    {
        await Task.Yield();
        var deliveries = new List<Task>();
        for (var number = 1; !_stop.IsCancellationRequested; number++)
        {
            deliveries.Add(DeliverUntilAcknowledgedAsync(number, create, deliver));
            await Task.Delay(TimeSpan.FromSeconds(1 / perSecond), time, _stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(deliveries);
    }

    private async Task DeliverUntilAcknowledgedAsync(int number, Func<int, Task<T>> create, Func<int, T, Task<bool?>> deliver)
    {
        var delivery = await create(number);
        for (var attempt = number; ; attempt++)
        {
            var replica = attempt % replicas;
            if (await deliver(replica, delivery) is not null)
            {
                _acknowledged.Enqueue(delivery);
                if (_next.TryRemove(replica, out var waiting))
                {
                    waiting.SetResult();
                }

                break;
            }

            if (_abandon.IsCancellationRequested)
            {
                return;
            }

            Interlocked.Increment(ref _redeliveries);
            await Task.Delay(RedeliveryDelay, time, _abandon.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (number % RepeatEvery == 0)
        {
            var replays = await Task.WhenAll(Enumerable.Range(0, 3).Select(copy => deliver(copy % replicas, delivery)));
            Interlocked.Add(ref _redeliveries, replays.Length);
            Interlocked.Add(ref _unrecognizedReplays, replays.Count(replay => replay is false));
        }
    }
}
