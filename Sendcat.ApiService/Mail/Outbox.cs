using System.Diagnostics;
using System.Threading.Channels;

namespace Sendcat.ApiService.Mail;

/// <summary>Composes one mail and sends it, after the request that caused it.</summary>
internal delegate Task MailJob(IServiceProvider services, CancellationToken cancellationToken);

/// <summary>
/// An in-memory queue of mails. A background service sends them one after another. A mail that it drops is logged and counted, and lost: the
/// user can request it again. A durable lane for mails is planned.
/// </summary>
internal sealed class Outbox(IServiceScopeFactory scopes, TimeProvider time, ILogger<Outbox> logger) : BackgroundService
{
    /// <summary>The capacity of the queue. It is only reached by a flood of requests; further mails are dropped.</summary>
    private const int Capacity = 1_000;

    private static readonly ActivitySource Source = new("Sendcat.Mail");

    private readonly Channel<(MailJob Job, ActivityContext Cause)> _queue = Channel.CreateBounded<(MailJob, ActivityContext)>(
        new BoundedChannelOptions(Capacity));

    private volatile bool _stopping;

    /// <summary>True while a mail is being sent, and after a shutdown that interrupted it.</summary>
    private volatile bool _sending;

    /// <summary>Adds a mail and returns at once. A full queue, or one that is being drained, drops it.</summary>
    public void Enqueue(MailJob job)
    {
        if (!_queue.Writer.TryWrite((job, Activity.Current?.Context ?? default)))
        {
            var reason = _stopping ? "stopping" : "queue_full";
            MailMetrics.MailsDropped(1, reason);
            logger.MailDropped(reason);
        }
    }

    /// <summary>
    /// Drains the queue: sends the queued mails within the shutdown timeout of the host. Those that are left then are lost.
    /// </summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        _queue.Writer.TryComplete();
        if (ExecuteTask is { } running)
        {
            await Task.WhenAny(running, Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
        var lost = _sending ? 1 : 0;
        for (; _queue.Reader.TryRead(out _); lost++)
        {
        }

        if (lost > 0)
        {
            MailMetrics.MailsDropped(lost, "stopping");
            logger.QueuedMailsLost(lost);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (job, cause) in _queue.Reader.ReadAllAsync(stoppingToken))
        {
            _sending = true;
            try
            {
                // The span belongs to the trace of the request that caused the mail.
                using var span = Source.StartActivity("send mail", ActivityKind.Internal, cause);
                await using var scope = scopes.CreateAsyncScope();
                await job(scope.ServiceProvider, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                logger.MailJobFailed(exception);
            }

            _sending = false;
        }
    }
}
