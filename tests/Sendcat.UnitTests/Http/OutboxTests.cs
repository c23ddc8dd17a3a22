using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using Sendcat.ApiService.Mail;

namespace Sendcat.UnitTests.Http;

public sealed class OutboxTests : IAsyncDisposable
{
    private const int Capacity = 1_000;

    private static readonly MailJob Nothing = (_, _) => Task.CompletedTask;

    private readonly FakeLogger<Outbox> _logger = new();
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private readonly Outbox _outbox;

    public OutboxTests() => _outbox = new(_services.GetRequiredService<IServiceScopeFactory>(), TimeProvider.System, _logger);

    private IEnumerable<(int Id, string Message)> Logged => _logger.Collector.GetSnapshot().Select(record => (record.Id.Id, record.Message));

    [Fact]
    public void A_mail_that_a_full_queue_drops_is_logged_and_counted()
    {
        using var dropped = new MetricCollector<long>(null, "Sendcat.Mail", "sendcat.mail.dropped");
        for (var mail = 0; mail < Capacity; mail++)
        {
            _outbox.Enqueue(Nothing);
        }

        Assert.Empty(Logged);
        _outbox.Enqueue(Nothing);

        Assert.Equal([(1405, "Mail dropped: queue_full")], Logged);
        Assert.Contains(dropped.GetMeasurementSnapshot(), it => it.Value == 1 && Equals(it.Tags["reason"], "queue_full"));
    }

    [Fact]
    public async Task A_stop_sends_the_queued_mails()
    {
        var sent = 0;
        MailJob count = (_, _) => Task.FromResult(Interlocked.Increment(ref sent));
        await _outbox.StartAsync(TestContext.Current.CancellationToken);
        for (var mail = 0; mail < 10; mail++)
        {
            _outbox.Enqueue(count);
        }

        await _outbox.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(10, sent);
        Assert.Empty(Logged);
    }

    [Fact]
    public async Task Mails_that_the_shutdown_leaves_behind_are_logged_and_counted()
    {
        using var dropped = new MetricCollector<long>(null, "Sendcat.Mail", "sendcat.mail.dropped");
        var sending = new TaskCompletionSource();
        await _outbox.StartAsync(TestContext.Current.CancellationToken);
        _outbox.Enqueue((_, cancellationToken) =>
        {
            sending.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        });
        _outbox.Enqueue(Nothing);
        await sending.Task;

        await _outbox.StopAsync(new CancellationToken(canceled: true));
        await _outbox.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        _outbox.Enqueue(Nothing);

        Assert.Contains((1405, "Mail dropped: stopping"), Logged);
        Assert.Contains((1406, "2 queued mails not sent: the process stopped"), Logged);
        Assert.Contains(dropped.GetMeasurementSnapshot(), it => Equals(it.Tags["reason"], "stopping"));
    }

    public async ValueTask DisposeAsync()
    {
        _outbox.Dispose();
        await _services.DisposeAsync();
    }
}
