using Microsoft.AspNetCore.Http.Metadata;

namespace Sendcat.ApiService.Http;

/// <summary>Describes endpoints to readers of <c>/openapi/v1.json</c>.</summary>
internal static class Documented
{
    /// <param name="errors">Statuses with a plain-text body and <c>x-sendcat-error-code</c>, for instance 400, 401.</param>
    public static RouteHandlerBuilder As(this RouteHandlerBuilder route, string name, string summary, params ReadOnlySpan<int> errors)
    {
        route.WithName(name).WithSummary(summary);
        foreach (var status in errors)
        {
            route.Produces(status, typeof(string), "text/plain");
        }

        // Reads draw on a budget wherever they are mapped (ReadLimit).
        route.Finally(static endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(methods => methods.HttpMethods.Contains(HttpMethods.Get))
                && !endpoint.Metadata.OfType<IProducesResponseTypeMetadata>().Any(answer => answer.StatusCode == StatusCodes.Status429TooManyRequests))
            {
                endpoint.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status429TooManyRequests, typeof(string), ["text/plain"]));
            }
        });
        return route;
    }

    /// <summary>Tells the body's type. It is only told: <see cref="JsonBody"/> checks it, in the order that the contract wants.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route)
        where T : notnull => route.WithMetadata(new Body(typeof(T)));

    private sealed class Body(Type type) : IAcceptsMetadata
    {
        /// <summary>None, or routing would answer 415 before the limit of the address was asked. The document says <c>application/json</c> all the same.</summary>
        public IReadOnlyList<string> ContentTypes { get; } = [];

        public Type RequestType => type;

        public bool IsOptional => false;
    }
}
