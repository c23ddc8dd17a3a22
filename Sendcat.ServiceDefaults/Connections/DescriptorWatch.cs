using System.Net.Sockets;

namespace Sendcat.ServiceDefaults.Connections;

/// <summary>
/// Knows when the descriptors of this process are used up, by whomever. The system reports that to whoever accepts a connection, at once and each time: an accept loop that tries again spins. So accepting is
/// given up until there are some again.
/// </summary>
/// <param name="anyLeft">Whether a few more descriptors could be opened now.</param>
internal sealed class DescriptorWatch(Func<bool> anyLeft, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private CancellationTokenSource accepting = new();
    private TaskCompletionSource? some;
    private ITimer? timer;

    /// <summary>Asks the system for a few descriptors and gives them back.</summary>
    public static bool CanOpenSome()
    {
        const int Few = 8;
        var opened = new List<Socket>(Few);
        try
        {
            for (var n = 0; n < Few; n++)
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

    /// <summary>Cancelled when the descriptors are used up; another one after that.</summary>
    public CancellationToken Accepting
    {
        get
        {
            lock (gate)
            {
                timer ??= time.CreateTimer(static watch => ((DescriptorWatch)watch!).Look(), this, Interval, Interval);
                return accepting.Token;
            }
        }
    }

    /// <summary>Completes when there are descriptors.</summary>
    public Task SomeAsync()
    {
        lock (gate)
        {
            return some?.Task ?? Task.CompletedTask;
        }
    }

    public void Dispose()
    {
        timer?.Dispose();
        accepting.Dispose();
        some?.TrySetResult();
    }

    internal void Look()
    {
        var left = anyLeft();
        CancellationTokenSource? over = null;
        TaskCompletionSource? begin = null;
        lock (gate)
        {
            if (!left && some is null)
            {
                some = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                (over, accepting) = (accepting, new CancellationTokenSource());
            }
            else if (left && some is not null)
            {
                (begin, some) = (some, null);
            }
        }

        begin?.TrySetResult();
        if (over is not null)
        {
            over.Cancel();
            over.Dispose();
        }
    }
}
