using System.Threading.Channels;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>A bell that stays rung until somebody hears it; ringing it more often is the same.</summary>
public sealed class Wake(TimeProvider time)
{
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Ring() => _bell.Writer.TryWrite(true);

    /// <returns>True: rung; false: the time is over.</returns>
    public async ValueTask<bool> WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        if (_bell.Reader.TryRead(out _))
        {
            return true;
        }

        using var over = new CancellationTokenSource(most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        try
        {
            return await _bell.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
