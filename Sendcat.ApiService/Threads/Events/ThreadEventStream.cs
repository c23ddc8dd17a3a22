using System.Buffers;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>
/// Writes the events of a thread as server-sent events until the client leaves, the thread is gone, the sign-in is revoked or the host
/// stops. Each event has an <c>id</c>.
/// </summary>
/// <param name="since">Null: the reader starts at the present.</param>
internal sealed class ThreadEventStream(
    OpenThread open, ThreadPosition? since, SignInOfConnection? signIn, IDisposable registration, ThreadChanges changes,
    ThreadSignals signals,
    IHostApplicationLifetime host, TimeProvider time, ILogger<ThreadEventStream> logger) : IResult
{
    /// <summary>Time after which a revoked sign-in ends the stream at the latest.</summary>
    private static readonly TimeSpan SignInCheck = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Waits without a signal after which Postgres is read anyway, because signals may be lost, and a comment is written.
    /// </summary>
    private const int WaitsPerRead = 3;

    private ThreadPosition? _position = since;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var registered = registration;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, host.ApplicationStopping);
        var response = httpContext.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        var changed = new AutoResetSignal(time);
        await using var subscription = await signals.SubscribeAsync(open.Thread.Id, changed.Set);
        try
        {
            while (await WriteChangesAsync(response, ending.Token))
            {
                if (!await WaitAsync(changed, ending.Token))
                {
                    // The reader has no access any more, as when its thread was deleted.
                    Write(response.BodyWriter, new ThreadEvent.Closed(), _position!);
                    await response.BodyWriter.FlushAsync(ending.Token);
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client has left, or the host stops: then the client comes back to another replica with the id of its last event.
        }
    }

    /// <returns>False after the last event.</returns>
    private async Task<bool> WriteChangesAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        var isFirst = !response.HasStarted;
        IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)> events;
        do
        {
            events = await ReadAsync(cancellationToken);
            foreach (var (threadEvent, after) in events)
            {
                Write(response.BodyWriter, threadEvent, after);
                _position = after;
            }

            if (events.Count == 0 || isFirst)
            {
                // A comment keeps the connection open, and begins the response of a reader that has missed nothing.
                response.BodyWriter.Write(": ping\n\n"u8);
            }

            await response.BodyWriter.FlushAsync(cancellationToken);
            if (events is [.., (ThreadEvent.Closed, _)])
            {
                return false;
            }
        }
        while (events.Count > 0);

        return true;
    }

    private async Task<IReadOnlyList<(ThreadEvent Event, ThreadPosition Position)>> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await changes.ReadAsync(open.Thread.Id, open.Principal, _position, cancellationToken);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            if (!changes.Outage.Records(failure))
            {
                logger.ThreadUnreadable(failure.GetType().Name);
            }

            return [];
        }
    }

    /// <summary>Waits for a signal, or for the time of the next read without one.</summary>
    /// <returns>False when the sign-in was revoked.</returns>
    private async Task<bool> WaitAsync(AutoResetSignal changed, CancellationToken cancellationToken)
    {
        for (var waits = 0; waits < WaitsPerRead; waits++)
        {
            if (await changed.WaitAsync(SignInCheck, cancellationToken))
            {
                break;
            }

            if (signIn is { IsRevoked: true })
            {
                return false;
            }
        }

        return signIn is not { IsRevoked: true };
    }

    private static void Write(IBufferWriter<byte> output, ThreadEvent threadEvent, ThreadPosition after)
    {
        var id = Encoding.ASCII.GetBytes($"id: {after}\ndata: ");
        output.Write(id);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(threadEvent, ThreadEventJson.Default.ThreadEvent));
        output.Write("\n\n"u8);
    }
}
