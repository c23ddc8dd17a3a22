using Microsoft.Extensions.Primitives;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// Lets requests through that the console's own page sends. The cookie is <c>SameSite=Strict</c>, but pages on another port of the same
/// host are of the same site, so that is not enough.
/// </summary>
internal static class OwnPage
{
    /// <summary>Scripts of other origins can send it only after a preflight, which the Monitor does not answer.</summary>
    public const string Header = "x-sendcat-console";

    public static ValueTask<object?> FilterAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        Sent(context.HttpContext.Request)
            ? next(context)
            : ValueTask.FromResult<object?>(
                Refusal.Of(StatusCodes.Status403Forbidden, "forbidden", "Only the console's own page may send this request"));

    private static bool Sent(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        {
            return site.Count == 0 || site == "same-origin" || site == "none";
        }

        return request.Headers[Header] == "1"
            && (site.Count > 0 ? site == "same-origin" : StringValues.IsNullOrEmpty(request.Headers.Origin) || IsOwn(request));
    }

    /// <summary>For browsers that do not send <c>Sec-Fetch-Site</c>: over http they send it to local addresses alone.</summary>
    private static bool IsOwn(HttpRequest request) =>
        Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out var origin) && origin.Authority == request.Host.Value;
}
