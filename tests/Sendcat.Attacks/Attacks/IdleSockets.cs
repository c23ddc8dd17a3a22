using System.Globalization;
using System.Net.Sockets;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>Opens twice as many connections as the process may have file descriptors, and sends nothing on them.</summary>
internal sealed class IdleSockets : Attack
{
    private const int Descriptors = 600;
    private const int Sources = 4;

    public override byte Number => 1;

    public override string Title => "idle sockets crash the API";

    public override SystemOptions OwnSystem => new() { Descriptors = Descriptors };

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var idle = new List<Socket>();
        var refused = 0;
        try
        {
            for (var n = 0; n < 2 * Descriptors; n++)
            {
                try
                {
                    idle.Add(await SourceAddress.ConnectAsync(Address(n % Sources), run.System.Api.Address.EndPoint(), cancellationToken));
                }
                catch (SocketException)
                {
                    // The server closed it before the client knew that it was open.
                    refused++;
                }
            }

            var closed = refused + (await Task.WhenAll(idle.Select(socket => IsClosedAsync(socket, cancellationToken)))).Count(it => it);
            var open = Directory.EnumerateFiles(string.Create(
                CultureInfo.InvariantCulture, $"/proc/{run.System.Api.Process.Id}/fd")).Count();
            run.Check(closed >= Descriptors, "connections beyond the cap are closed at once", closed);
            run.Check(open < Descriptors, "file descriptors remain free", open);

            // Users that are already connected are still served.
            await run.System.Honest.WaitForAsync(12, cancellationToken);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }

        run.Check(await IsServedAsync(run, cancellationToken), "a new connection is served after the idle ones are closed");
    }

    private static async Task<bool> IsClosedAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            return await socket.ReceiveAsync(new byte[1], timeout.Token) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<bool> IsServedAsync(AttackRun run, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var attempt = 0; attempt < 100; attempt++)
        {
            try
            {
                return (await run.From(Address(Sources)).GetAsync("/alive", cancellationToken)).Status == 200;
            }
            catch (HttpRequestException)
            {
                await timer.WaitForNextTickAsync(cancellationToken);
            }
        }

        return false;
    }
}
