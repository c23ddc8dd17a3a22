using System.Threading.Channels;

namespace Sendcat.Reliability.Timing;

/// <summary>A signal that stays set until one waiter consumes it. A second <see cref="Set"/> before that has no effect.</summary>
/// <param name="time">The clock of the timeouts.</param>
public sealed class AutoResetSignal(TimeProvider time)
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Set() => _signal.Writer.TryWrite(true);

    /// <summary>Waits for the signal without a timeout.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken) => await _signal.Reader.ReadAsync(cancellationToken);

    /// <param name="timeout">The timeout.</param>
    /// <returns>True: the signal was set. False: the timeout elapsed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_signal.Reader.TryRead(out _))
        {
            return true;
        }

        using var expired = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(expired.Token, cancellationToken);
        // Loops wait here for most of their time, so an elapsed timeout throws no exception.
        var waiting = _signal.Reader.ReadAsync(linked.Token).AsTask();
        await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (waiting.IsCompletedSuccessfully)
        {
            return true;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return false;
    }
}
