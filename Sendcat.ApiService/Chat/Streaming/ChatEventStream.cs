using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.AccountChanges;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// Writes the events of a turn to the response as server-sent events: the headers at once, each event when it arrives, a comment as a
/// keep-alive when none arrives. No other code writes a turn to a connection.
/// </summary>
/// <param name="register">Registers the reader with the turn; the result is disposed when the reader leaves.</param>
/// <param name="gatewayMode">Value of the header <c>X-Sendcat-Chat-Gateway-Mode</c>.</param>
internal sealed class ChatEventStream(
    TurnFeed feed, Func<IDisposable> register, EventDialect dialect, string gatewayMode, KeepAliveTicker keepAlive) : IResult
{
    /// <summary>
    /// Maximum bytes in the response buffer before a flush. It bounds the memory of a connection, however long the answer and however slow
    /// the reader is.
    /// </summary>
    private const int MaxUnflushedBytes = 32 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var requestAborted = httpContext.RequestAborted;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ResponseHeaders.EventStream;
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers["X-Sendcat-Chat-Gateway-Mode"] = gatewayMode;
        if (HttpProtocol.IsHttp11(httpContext.Request.Protocol))
        {
            response.Headers.Connection = "keep-alive";
        }

        dialect.Describe(response);

        using var reader = feed.Open();
        using var registration = register();
        using var watched = keepAlive.Watch(
            reader, httpContext.Abort, httpContext.RequestServices.GetRequiredService<Principals>().SignInOf(httpContext));
        // WaitAsync takes no cancellation token: a disconnect of the client wakes the reader instead.
        await using var disconnecting = requestAborted.UnsafeRegister(static state => ((FeedReader)state!).Wake(), reader);

        var body = response.BodyWriter;
        while (!requestAborted.IsCancellationRequested)
        {
            if (reader.IsCutOff)
            {
                dialect.Write(body, await LastOfRevokedAsync(httpContext, watched.SignIn!));
                await SendAsync(body, watched);
                return;
            }

            var wrote = false;
            FeedRead read;
            ChatEvent? chatEvent = null;
            while ((read = reader.IsCutOff ? FeedRead.Nothing : reader.TryRead(out chatEvent)) == FeedRead.Event)
            {
                dialect.Write(body, chatEvent!);
                wrote = true;
                if (body.UnflushedBytes >= MaxUnflushedBytes && !await SendAsync(body, watched))
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
                watched.MarkActivity();
                if (!await SendAsync(body, watched))
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

    /// <returns>The last event of a reader whose sign-in has ended. The turn itself goes on, or ends with its thread.</returns>
    private static async Task<ChatEvent> LastOfRevokedAsync(HttpContext httpContext, SignInOfConnection signIn) =>
        await httpContext.RequestServices.GetRequiredService<AccountDeletions>().IsDeletedAsync(signIn.UserId)
            ? ChatEvent.Error.ThreadDeleted()
            : new ChatEvent.Error("signed_out", "You are signed out. Sign in again to read the answer.", false, null, null, null);

    /// <returns>False when the client has disconnected.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> SendAsync(PipeWriter body, KeepAliveTicker.Watched watched)
    {
        var sending = body.FlushAsync(CancellationToken.None);
        if (!sending.IsCompletedSuccessfully)
        {
            // The buffers of the connection are full: the write timeout of the client starts here.
            watched.FlushBlocked();
        }

        var sent = await sending;
        watched.FlushCompleted();
        return !sent.IsCompleted && !sent.IsCanceled;
    }
}
