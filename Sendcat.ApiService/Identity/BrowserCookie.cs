namespace Sendcat.ApiService.Identity;

/// <summary>A cookie that scripts cannot read.</summary>
/// <param name="Purpose">The part of the name after <c>sendcat-</c>.</param>
/// <param name="Path">The paths that get it.</param>
/// <param name="SameSite">Which requests of other sites get it.</param>
internal sealed record BrowserCookie(string Purpose, string Path, SameSiteMode SameSite = SameSiteMode.Strict)
{
    private readonly string _secureName = Path == "/" ? $"__Host-sendcat-{Purpose}" : $"__Secure-sendcat-{Purpose}";
    private readonly string _plainName = $"sendcat-{Purpose}";

    /// <returns>
    /// The value; null when there is none, and for a request that changes something and has no <c>Origin</c>: browsers send it with every
    /// such request, and <c>OriginPolicy</c> has checked it.
    /// </returns>
    public string? Read(HttpContext http) =>
        HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) || http.Request.Headers.Origin.Count == 1
            ? http.Request.Cookies[NameOver(IsSecure(http))] is { Length: > 0 } value ? value : null
            : null;

    public void Set(HttpContext http, string value, TimeSpan lifetime)
    {
        var secure = IsSecure(http);
        http.Response.Cookies.Append(NameOver(secure), value, new()
        {
            HttpOnly = true,
            Secure = secure,
            SameSite = SameSite,
            Path = Path,
            MaxAge = lifetime,
        });
    }

    /// <summary>
    /// Browsers accept a name with these prefixes only with <c>Secure</c>, so that no other origin of the host can set it.
    /// </summary>
    private string NameOver(bool secure) => secure ? _secureName : _plainName;

    /// <summary>Behind an ingress the request of a browser over TLS arrives without, so only Development may omit the attribute.</summary>
    private static bool IsSecure(HttpContext http) =>
        http.Request.IsHttps || !http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment();
}
