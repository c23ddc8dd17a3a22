using System.Net.Http.Headers;

namespace Sendcat.Benchmarks.Load;

/// <summary>One request whose answer is a stream. Everything it needs was made beforehand.</summary>
internal sealed record Turn(Uri Address, byte[] Body, Dialect Dialect, string? Bearer = null)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    public HttpRequestMessage Request()
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
