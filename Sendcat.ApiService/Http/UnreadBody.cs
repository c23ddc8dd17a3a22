using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Receives and discards the rest of the body of a refused request after the response. Many clients read the response only when they have
/// sent their body, and a connection that is closed before that is reset: they would report a network error instead of the refusal. The
/// server itself does this for 5 s, which is too short for a photo from a phone.
/// </summary>
internal sealed class UnreadBody(TimeProvider time)
{
    /// <summary>
    /// The time for which the rest is received. Within it the limits of the server hold: <see cref="ServerLimits.MaxBodyBytes"/>, and its
    /// slowest rate.
    /// </summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(30);

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        // The endpoint may replace it.
        var body = http.Request.Body;
        await next(http);

        // A stream of HTTP/2 is closed without an effect on its connection.
        if (http.Response.StatusCode >= StatusCodes.Status400BadRequest
            && HttpProtocol.IsHttp11(http.Request.Protocol)
            && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
            && !http.RequestAborted.IsCancellationRequested)
        {
            await http.Response.CompleteAsync();
            await DiscardAsync(http, body);
        }
    }

    private async Task DiscardAsync(HttpContext http, Stream body)
    {
        using var timeout = new CancellationTokenSource(MaxTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, http.RequestAborted);
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (await body.ReadAsync(buffer, either.Token) > 0)
            {
            }
        }
        catch (OperationCanceledException)
        {
            // As after any read that fails, see JsonBody: the server must not drain the body.
            http.Abort();
        }
        catch (IOException)
        {
            // The body is malformed, too long or too slow, or the connection is lost: the server closes it.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
