using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity.Cookies;

/// <summary>
/// The cookies of browsers that do not hold tokens themselves: scripts cannot read them, and other sites cannot send them.
/// </summary>
/// <remarks>
/// A request that changes something counts as one without cookies unless it has an <c>Origin</c>, which <see cref="OriginPolicy"/> has
/// checked. Browsers send it with every such request, so a page of another origin can neither send the cookies nor leave out its name.
/// </remarks>
internal sealed class BrowserCookies(IHostEnvironment environment)
{
    /// <summary>The only path that gets the refresh token.</summary>
    public const string RefreshPath = "/api/auth/cookie";

    private static readonly TimeSpan SessionLifetime = TimeSpan.FromDays(365);

    private readonly BrowserCookie _access = new("access", "/");
    private readonly BrowserCookie _session = new("session", "/");
    private readonly BrowserCookie _refresh = new("refresh", RefreshPath);

    /// <returns>The access token, which may have expired; null: no cookie, or the request may not use it.</returns>
    public string? AccessToken(HttpContext http) => Read(http, _access);

    /// <returns>The anonymous session id, not verified; null: no cookie, or the request may not use it.</returns>
    public string? SessionId(HttpContext http) => Read(http, _session);

    /// <returns>The refresh token; null: no cookie, or the request may not use it.</returns>
    public string? RefreshToken(HttpContext http) => Read(http, _refresh);

    public void SetSession(HttpContext http, string sessionId) => Set(http, _session, sessionId, SessionLifetime);

    /// <summary>
    /// Sets both tokens. The cookie of the access token lives as long as the refresh token: with the expired token a request is 401 and not
    /// one of a guest.
    /// </summary>
    public void SetTokens(HttpContext http, SignedIn signedIn)
    {
        Set(http, _access, signedIn.AccessToken, RefreshTokens.Lifetime);
        Set(http, _refresh, signedIn.RefreshToken, RefreshTokens.Lifetime);
    }

    /// <summary>Removes both tokens. The browser is a guest again, with the session that it had before.</summary>
    public void RemoveTokens(HttpContext http)
    {
        Set(http, _access, "", TimeSpan.Zero);
        Set(http, _refresh, "", TimeSpan.Zero);
    }

    private string? Read(HttpContext http, BrowserCookie cookie) =>
        HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method) || http.Request.Headers.Origin.Count == 1
            ? http.Request.Cookies[cookie.NameOver(IsSecure(http))] is { Length: > 0 } value ? value : null
            : null;

    private void Set(HttpContext http, BrowserCookie cookie, string value, TimeSpan lifetime)
    {
        var secure = IsSecure(http);
        http.Response.Cookies.Append(cookie.NameOver(secure), value, new()
        {
            HttpOnly = true,
            Secure = secure,
            SameSite = SameSiteMode.Strict,
            Path = cookie.Path,
            MaxAge = lifetime,
        });
    }

    /// <summary>Behind an ingress the request of a browser over TLS arrives without, so only Development may omit the attribute.</summary>
    private bool IsSecure(HttpContext http) => http.Request.IsHttps || !environment.IsDevelopment();

    private sealed record BrowserCookie(string Purpose, string Path)
    {
        private readonly string _secureName = Path == "/" ? $"__Host-sendcat-{Purpose}" : $"__Secure-sendcat-{Purpose}";
        private readonly string _plainName = $"sendcat-{Purpose}";

        /// <summary>Browsers accept a name with these prefixes only with <c>Secure</c>, so that no other origin of the host can set it.</summary>
        public string NameOver(bool secure) => secure ? _secureName : _plainName;
    }
}
