using System.Net.Http.Headers;

namespace Sendcat.Benchmarks.Load;

/// <summary>A request that starts a turn. All resources that it needs already exist.</summary>
internal sealed record TurnRequest(Uri Address, byte[] Body, Dialect Dialect, string? Bearer = null)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>A new message for one send.</summary>
    public HttpRequestMessage ToHttpRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Address) { Content = new ByteArrayContent(Body) };
        request.Content.Headers.ContentType = Json;
        if (Bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Bearer}");
        }

        return request;
    }
}
