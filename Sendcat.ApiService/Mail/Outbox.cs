using System.Diagnostics;
using System.Threading.Channels;

namespace Sendcat.ApiService.Mail;

/// <summary>Writes one mail and sends it, outside of the request that caused it.</summary>
internal delegate Task Letter(IServiceProvider services, CancellationToken cancellationToken);

/// <summary>Mails that wait to be written and sent, one after another, beside the requests that caused them.</summary>
internal sealed class Outbox(IServiceScopeFactory scopes, TimeProvider time, ILogger<Outbox> logger) : BackgroundService
{
    /// <summary>More than this many waiting means somebody floods us; what comes on top is dropped.</summary>
    private const int MostWaiting = 1_000;

    private static readonly ActivitySource Source = new("Sendcat.Mail");

    private readonly Channel<(Letter Letter, ActivityContext Cause)> waiting = Channel.CreateBounded<(Letter, ActivityContext)>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Never waits.</summary>
    public void Put(Letter letter) => waiting.Writer.TryWrite((letter, Activity.Current?.Context ?? default));

    /// <summary>What is waiting is still sent, within the host's shutdown time.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        waiting.Writer.TryComplete();
        if (ExecuteTask is { } sending)
        {
            await Task.WhenAny(sending, Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (letter, cause) in waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                // In the trace of the request that caused it.
                using var span = Source.StartActivity("send mail", ActivityKind.Internal, cause);
                await using var scope = scopes.CreateAsyncScope();
                await letter(scope.ServiceProvider, stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LetterFailed(fault);
            }
        }
    }
}
