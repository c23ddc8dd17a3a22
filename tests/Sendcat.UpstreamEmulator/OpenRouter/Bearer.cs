namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>Checks the bearer key. Every key is valid except an empty one and <c>bad</c>.</summary>
internal static class Bearer
{
    private const string Scheme = "Bearer ";

    public static bool IsMissing(HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        return !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || header.AsSpan(Scheme.Length).Trim() is [] or "bad";
    }
}
