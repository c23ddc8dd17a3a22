using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Chat;

/// <summary>The one place where a turn becomes bytes: headers at once, every event as soon as it happened, a comment when nothing happens.</summary>
/// <param name="join">Counts the reader in; disposed when it leaves.</param>
internal sealed class ChatEventStream(TurnFeed feed, Func<IDisposable> join, EventDialect dialect, string gatewayMode, KeepAliveTicker keepAlive) : IResult
{
    /// <summary>Bytes that are written before their reader has to take some: this much of an answer waits beside the feed, however long it is and however slow its reader.</summary>
    private const int MostUnsent = 32 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var gone = httpContext.RequestAborted;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers["X-Sendcat-Chat-Gateway-Mode"] = gatewayMode;
        if (HttpProtocol.IsHttp11(httpContext.Request.Protocol))
        {
            response.Headers.Connection = "keep-alive";
        }

        dialect.Describe(response);

        using var reader = feed.Open();
        using var seat = join();
        using var ticking = keepAlive.Watch(reader, httpContext.Abort, httpContext.RequestServices.GetRequiredService<Principals>().SignInOf(httpContext));
        // The reader waits without a token; a client that leaves wakes it.
        await using var leaving = gone.UnsafeRegister(static state => ((FeedReader)state!).Wake(), reader);

        var body = response.BodyWriter;
        while (!gone.IsCancellationRequested)
        {
            var wrote = false;
            FeedRead read;
            while ((read = reader.TryRead(out var happened)) == FeedRead.Event)
            {
                dialect.Write(body, happened!);
                wrote = true;
                if (body.UnflushedBytes >= MostUnsent && !await SendAsync(body, ticking))
                {
                    return;
                }
            }

            if (reader.TakePing() && !wrote)
            {
                body.Write(EventDialect.KeepAlive);
                wrote = true;
            }

            if (wrote)
            {
                ticking.Moved();
                if (!await SendAsync(body, ticking))
                {
                    return;
                }
            }

            if (read == FeedRead.End)
            {
                return;
            }

            await reader.WaitAsync();
        }
    }

    /// <returns>False: the reader is gone.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> SendAsync(PipeWriter body, KeepAliveTicker.Watched ticking)
    {
        var sending = body.FlushAsync(CancellationToken.None);
        if (!sending.IsCompletedSuccessfully)
        {
            // The connection has as much as it can hold: from here on its reader's time counts.
            ticking.Waits();
        }

        var sent = await sending;
        ticking.WaitsNoMore();
        return !sent.IsCompleted && !sent.IsCanceled;
    }
}
