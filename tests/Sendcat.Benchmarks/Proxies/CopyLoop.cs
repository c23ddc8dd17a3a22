using System.Net;

namespace Sendcat.Benchmarks.Proxies;

/// <summary>A minimal proxy: it reads, writes and flushes.</summary>
internal static class CopyLoop
{
    public static Action<WebApplication> Prepare(Uri upstream) => app =>
    {
        var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        });
        app.Run(context => CopyAsync(client, upstream, context));
    };

    private static async Task CopyAsync(HttpMessageInvoker client, Uri upstream, HttpContext context)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Parse(context.Request.Method), new Uri(upstream, context.Request.Path + context.Request.QueryString))
        {
            Content = new StreamContent(context.Request.Body),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        request.Headers.TryAddWithoutValidation("Authorization", context.Request.Headers.Authorization.ToString());
        using var response = await client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await using var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        while (true)
        {
            var memory = context.Response.BodyWriter.GetMemory(4096);
            var read = await body.ReadAsync(memory, context.RequestAborted);
            if (read == 0)
            {
                return;
            }

            context.Response.BodyWriter.Advance(read);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }
}
