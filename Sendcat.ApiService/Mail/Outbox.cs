using System.Diagnostics;
using System.Threading.Channels;

namespace Sendcat.ApiService.Mail;

/// <summary>Composes one mail and sends it, after the request that caused it.</summary>
internal delegate Task MailJob(IServiceProvider services, CancellationToken cancellationToken);

/// <summary>An in-memory queue of mails. A background service sends them one after another.</summary>
internal sealed class Outbox(IServiceScopeFactory scopes, TimeProvider time, ILogger<Outbox> logger) : BackgroundService
{
    /// <summary>The capacity of the queue. It is only reached by a flood of requests; further mails are dropped.</summary>
    private const int Capacity = 1_000;

    private static readonly ActivitySource Source = new("Sendcat.Mail");

    private readonly Channel<(MailJob Job, ActivityContext Cause)> queue = Channel.CreateBounded<(MailJob, ActivityContext)>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Adds a mail and returns at once. A full queue drops it.</summary>
    public void Enqueue(MailJob job) => queue.Writer.TryWrite((job, Activity.Current?.Context ?? default));

    /// <summary>Drains the queue: sends the queued mails within the shutdown timeout of the host.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        queue.Writer.TryComplete();
        if (ExecuteTask is { } sending)
        {
            await Task.WhenAny(sending, Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (job, cause) in queue.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                // The span belongs to the trace of the request that caused the mail.
                using var span = Source.StartActivity("send mail", ActivityKind.Internal, cause);
                await using var scope = scopes.CreateAsyncScope();
                await job(scope.ServiceProvider, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                logger.MailJobFailed(exception);
            }
        }
    }
}
