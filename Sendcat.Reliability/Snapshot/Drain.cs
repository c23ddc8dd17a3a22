namespace Sendcat.Reliability.Snapshot;

/// <summary>
/// Whether an operator has drained this process: it begins no new turns and claims no new jobs, and what runs goes on. Ends when an
/// operator resumes it, or with the process. Thread-safe.
/// </summary>
public sealed class Drain : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _drained = new();
    private TaskCompletionSource? _resumed;

    public bool IsOn
    {
        get
        {
            lock (_gate)
            {
                return _resumed is not null;
            }
        }
    }

    /// <summary>Cancelled when the process is drained. After it was resumed, there is another one.</summary>
    public CancellationToken Token
    {
        get
        {
            lock (_gate)
            {
                return _drained.Token;
            }
        }
    }

    /// <summary>Completes at once while the process is not drained, else when it is resumed.</summary>
    public Task WaitUntilResumedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _resumed is { } resumed ? resumed.Task.WaitAsync(cancellationToken) : Task.CompletedTask;
        }
    }

    /// <returns>Whether this changed anything.</returns>
    public bool Begin()
    {
        CancellationTokenSource drained;
        lock (_gate)
        {
            if (_resumed is not null)
            {
                return false;
            }

            _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            drained = _drained;
        }

        // Outside of the lock: what waits for the token goes on here.
        drained.Cancel();
        return true;
    }

    /// <returns>Whether this changed anything.</returns>
    public bool End()
    {
        TaskCompletionSource resumed;
        lock (_gate)
        {
            if (_resumed is null)
            {
                return false;
            }

            (resumed, _resumed) = (_resumed, null);
            _drained.Dispose();
            _drained = new();
        }

        resumed.SetResult();
        return true;
    }

    public void Dispose() => _drained.Dispose();
}
