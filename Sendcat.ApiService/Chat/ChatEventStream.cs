using System.Buffers;

namespace Sendcat.ApiService.Chat;

/// <summary>The one place where a turn becomes bytes: headers at once, every event as soon as it happened, a comment when nothing happens.</summary>
/// <param name="join">Counts the reader in; disposed when it leaves.</param>
internal sealed class ChatEventStream(TurnFeed feed, Func<IDisposable> join, EventDialect dialect, string gatewayMode, KeepAliveTicker keepAlive) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var gone = httpContext.RequestAborted;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers["X-Sendcat-Chat-Gateway-Mode"] = gatewayMode;
        if (HttpProtocol.IsHttp11(httpContext.Request.Protocol))
        {
            response.Headers.Connection = "keep-alive";
        }

        dialect.Describe(response);

        using var reader = feed.Open();
        using var seat = join();
        using var ticking = keepAlive.Watch(reader);
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
            }

            if (reader.TakePing() && !wrote)
            {
                body.Write(EventDialect.KeepAlive);
                wrote = true;
            }

            if (wrote)
            {
                ticking.Moved();
                var flushed = await body.FlushAsync(CancellationToken.None);
                if (flushed.IsCompleted || flushed.IsCanceled)
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
}
