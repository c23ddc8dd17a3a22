using Microsoft.AspNetCore.Http.Metadata;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// Marks operations that change something: their requests give a reason in the header <c>x-sendcat-reason</c>, which the audit shows. Every
/// operation that is no GET has the mark, except those that <see cref="WithoutReason"/>.
/// </summary>
internal sealed class OpsReason
{
    public const string Header = "x-sendcat-reason";
    public const int Shortest = 3;
    public const int Longest = 500;

    private static readonly OpsReason Marker = new();
    private static readonly object NoReason = new NotNeeded();

    private OpsReason()
    {
    }

    public static void Mark(EndpointBuilder endpoint)
    {
        var reads = endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(methods => methods.HttpMethods.Contains(HttpMethods.Get));
        if (!reads && !endpoint.Metadata.OfType<NotNeeded>().Any())
        {
            endpoint.Metadata.Add(Marker);
            if (!endpoint.Metadata.OfType<IProducesResponseTypeMetadata>()
                .Any(response => response.StatusCode == StatusCodes.Status400BadRequest))
            {
                endpoint.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status400BadRequest, typeof(string), ["text/plain"]));
            }
        }
    }

    /// <summary>For data that is reported to Sendcat, and for checks that change no setting and no job.</summary>
    public static RouteHandlerBuilder WithoutReason(RouteHandlerBuilder route) => route.WithMetadata(NoReason);

    /// <summary>The reason of the request, or null when it needs none.</summary>
    /// <returns>False when the operation needs a reason and the request has no usable one.</returns>
    public static bool TryRead(HttpContext http, out string? reason)
    {
        reason = null;
        if (http.GetEndpoint()?.Metadata.GetMetadata<OpsReason>() is null)
        {
            return true;
        }

        if (http.Request.Headers[Header] is not [{ } given] || given.Trim() is not { Length: >= Shortest } text
            || !StoredText.Fits(text, Longest) || text.Any(char.IsControl))
        {
            return false;
        }

        reason = text;
        return true;
    }

    private sealed class NotNeeded;
}
