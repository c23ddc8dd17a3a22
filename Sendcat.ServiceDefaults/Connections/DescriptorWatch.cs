using System.Net.Sockets;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// Detects that the process has no free file descriptors, whatever part of it uses them. Without descriptors the operating system fails
/// every accept at once, so an accept loop that retries would spin. Accepting therefore stops until descriptors are free again.
/// </summary>
/// <param name="canOpen">Returns whether a few more descriptors can be opened now.</param>
internal sealed class DescriptorWatch(Func<bool> canOpen, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private CancellationTokenSource _accepting = new();
    private TaskCompletionSource? _available;
    private ITimer? _timer;

    /// <summary>Tries to open a few descriptors, and closes them again.</summary>
    public static bool CanOpenDescriptors()
    {
        const int Count = 8;
        var opened = new List<Socket>(Count);
        try
        {
            for (var n = 0; n < Count; n++)
            {
                opened.Add(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            opened.ForEach(socket => socket.Dispose());
        }
    }

    /// <summary>Cancelled when the descriptors are used up. Afterwards this property returns a new token.</summary>
    public CancellationToken Accepting
    {
        get
        {
            lock (_gate)
            {
                _timer ??= time.CreateTimer(static watch => ((DescriptorWatch)watch!).Check(), this, Interval, Interval);
                return _accepting.Token;
            }
        }
    }

    /// <summary>Completes when descriptors are free.</summary>
    public Task WaitUntilAvailableAsync()
    {
        lock (_gate)
        {
            return _available?.Task ?? Task.CompletedTask;
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _accepting.Dispose();
        _available?.TrySetResult();
    }

    internal void Check()
    {
        var free = canOpen();
        CancellationTokenSource? toCancel = null;
        TaskCompletionSource? toComplete = null;
        lock (_gate)
        {
            if (!free && _available is null)
            {
                _available = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                (toCancel, _accepting) = (_accepting, new CancellationTokenSource());
            }
            else if (free && _available is not null)
            {
                (toComplete, _available) = (_available, null);
            }
        }

        toComplete?.TrySetResult();
        if (toCancel is not null)
        {
            toCancel.Cancel();
            toCancel.Dispose();
        }
    }
}
