namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>
/// The span name of an outgoing request: method, host and path. Path segments that look like ids are replaced, so that the number of names
/// stays small.
/// </summary>
internal static class HttpSpanName
{
    /// <summary>A segment with at least this number of digits counts as an id. A version (<c>v1</c>, <c>oauth2</c>) has fewer.</summary>
    private const int MinIdDigits = 3;

    public static string Of(HttpRequestMessage request) =>
        request.RequestUri is { IsAbsoluteUri: true } address
            ? $"{request.Method} {address.Host}{PathOf(address)}"
            : request.Method.ToString();

    private static string PathOf(Uri address) =>
        string.Join(
            '/', address.AbsolutePath.Split('/').Select(segment => segment.Count(char.IsAsciiDigit) >= MinIdDigits ? "{id}" : segment));
}
