using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Timing;

/// <summary>
/// Repeats a round of background work until the host stops. An exception that leaves a background service stops the host, so an unexpected
/// exception of a round is logged, and the next round follows. A round handles the failures that it expects, such as an unavailable store.
/// </summary>
/// <param name="work">The work, for the log: "Check of the tool queue".</param>
public sealed class BackgroundLoop(string work, ILogger logger, TimeProvider time)
{
    /// <summary>
    /// Delays after failed rounds. The longest is shorter than the time after which a replica without heartbeats counts as dead.
    /// </summary>
    private static readonly Backoff Delays = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    /// <summary>Runs a round every <paramref name="period"/>, the first one after the first period.</summary>
    /// <returns>Completes, without an exception, when <paramref name="stopping"/> is cancelled and the running round has ended.</returns>
    public async Task EveryAsync(TimeSpan period, Func<CancellationToken, Task> round, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(period, time);
        await RepeatAsync(
            async token =>
            {
                await timer.WaitForNextTickAsync(token);
                await round(token);
            },
            stopping);
    }

    /// <summary>Runs rounds one after another. A round itself waits for the next time or the next signal.</summary>
    /// <inheritdoc cref="EveryAsync"/>
    public async Task RepeatAsync(Func<CancellationToken, Task> round, CancellationToken stopping)
    {
        for (var failures = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                await round(stopping);
                failures = 0;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever a round throws must not stop the host.
            catch (Exception unexpected)
#pragma warning restore CA1031
            {
                logger.RoundFailed(work, unexpected);
                await Task.Delay(Delays.After(++failures), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
