using Microsoft.AspNetCore.Http.Metadata;

namespace Sendcat.ApiService.Http;

/// <summary>Describes endpoints for <c>/openapi/v1.json</c>.</summary>
internal static class Documented
{
    /// <summary>The characters that end the summary.</summary>
    private static readonly char[] EndOfSummary = [',', ';', ':', '('];

    /// <param name="summary">
    /// What the operation does. The text up to the first comma, semicolon, colon or parenthesis, a few words, is its name on the reference
    /// page; the whole text is its description.
    /// </param>
    /// <param name="errors">Statuses with a plain-text body and <c>x-sendcat-error-code</c>, for instance 400, 401.</param>
    public static RouteHandlerBuilder As(this RouteHandlerBuilder route, string name, string summary, params ReadOnlySpan<int> errors)
    {
        var end = summary.IndexOfAny(EndOfSummary);
        route.WithName(name).WithSummary(end < 0 ? summary : summary[..end].TrimEnd());
        if (end >= 0)
        {
            route.WithDescription(summary);
        }

        foreach (var status in errors)
        {
            route.Produces(status, typeof(string), "text/plain");
        }

        // ReadLimit may answer 429 on every route that reads.
        route.Finally(static endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(methods => methods.HttpMethods.Contains(HttpMethods.Get))
                && !endpoint.Metadata.OfType<IProducesResponseTypeMetadata>()
                    .Any(response => response.StatusCode == StatusCodes.Status429TooManyRequests))
            {
                endpoint.Metadata.Add(
                    new ProducesResponseTypeMetadata(StatusCodes.Status429TooManyRequests, typeof(string), ["text/plain"]));
            }
        });
        return route;
    }

    /// <summary>
    /// Documents the type of the body. It checks nothing: <see cref="JsonBody"/> checks the body, in the order that the contract requires.
    /// </summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route)
        where T : notnull => route.WithMetadata(new Body(typeof(T)));

    private sealed class Body(Type type) : IAcceptsMetadata
    {
        /// <summary>
        /// Empty. With a content type here, routing would respond 415 before the limit of the address is checked. The document shows
        /// <c>application/json</c> anyway.
        /// </summary>
        public IReadOnlyList<string> ContentTypes { get; } = [];

        public Type RequestType => type;

        public bool IsOptional => typeof(IOptionalBody).IsAssignableFrom(type);
    }
}
