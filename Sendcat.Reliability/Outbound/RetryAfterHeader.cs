using System.Net.Http.Headers;

namespace Sendcat.Reliability.Outbound;

/// <summary>The <c>Retry-After</c> header of a response: whole seconds, or an HTTP date.</summary>
public static class RetryAfterHeader
{
    /// <returns>The time to wait; null without the header, and for zero seconds or a date that has passed.</returns>
    public static TimeSpan? Read(HttpResponseHeaders headers, DateTimeOffset now) =>
        (headers.RetryAfter?.Delta ?? headers.RetryAfter?.Date - now) is { } wait && wait > TimeSpan.Zero ? wait : null;
}
