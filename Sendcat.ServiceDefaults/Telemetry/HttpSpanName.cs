namespace Sendcat.ServiceDefaults.Telemetry;

/// <summary>Names an outgoing request by method, host and path; what looks like an id in the path is left out, so that names stay few.</summary>
internal static class HttpSpanName
{
    /// <summary>A version (<c>v1</c>, <c>oauth2</c>) has fewer digits than an id.</summary>
    private const int DigitsOfAnId = 3;

    public static string Of(HttpRequestMessage request) =>
        request.RequestUri is { IsAbsoluteUri: true } address ? $"{request.Method} {address.Host}{PathOf(address)}" : request.Method.ToString();

    private static string PathOf(Uri address) =>
        string.Join('/', address.AbsolutePath.Split('/').Select(segment => segment.Count(char.IsAsciiDigit) >= DigitsOfAnId ? "{id}" : segment));
}
