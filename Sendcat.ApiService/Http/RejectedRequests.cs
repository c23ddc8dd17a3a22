using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Adds the code header to the responses of requests that the server itself rejects because they are no valid HTTP, for instance
/// <c>GET /%00</c>. Such a request reaches no middleware. The server reports the rejection as a diagnostic event before it writes the
/// response, and writes its own headers alone, so the header is added to the bytes of the connection.
/// </summary>
internal sealed class RejectedRequests : IObserver<KeyValuePair<string, object?>>
{
    private const string Rejected = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private static readonly object ItemKey = new();

    private RejectedRequests()
    {
    }

    /// <summary>Observes the server until the listener is disposed, together with the host.</summary>
    public static void Observe(DiagnosticListener server) => server.Subscribe(new RejectedRequests(), static name => name == Rejected);

    /// <summary>Lets the responses of an endpoint's connections be amended.</summary>
    public static void Use(ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        var output = new RejectionWriter(connection.Transport.Output);
        connection.Items[ItemKey] = output;
        connection.Transport = new Transport(connection.Transport.Input, output);
        return next(connection);
    });

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is IFeatureCollection request
            && request.Get<IHttpResponseFeature>() is { HasStarted: false } response
            && request.Get<IConnectionItemsFeature>()?.Items.TryGetValue(ItemKey, out var output) is true)
        {
            ((RejectionWriter)output!).Amend(
                response.StatusCode == StatusCodes.Status413PayloadTooLarge ? "payload_too_large" : "invalid_request");
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
