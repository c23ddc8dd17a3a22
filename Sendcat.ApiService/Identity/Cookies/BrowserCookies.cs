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
internal sealed class BrowserCookies
{
    /// <summary>The only path that gets the refresh token.</summary>
    public const string RefreshPath = "/api/auth/cookie";

    private static readonly TimeSpan SessionLifetime = TimeSpan.FromDays(365);

    private readonly BrowserCookie _access = new("access", "/");
    private readonly BrowserCookie _session = new("session", "/");
    private readonly BrowserCookie _refresh = new("refresh", RefreshPath);

    /// <returns>The access token, which may have expired; null: no cookie, or the request may not use it.</returns>
    public string? AccessToken(HttpContext http) => _access.Read(http);

    /// <returns>The anonymous session id, not verified; null: no cookie, or the request may not use it.</returns>
    public string? SessionId(HttpContext http) => _session.Read(http);

    /// <returns>The refresh token; null: no cookie, or the request may not use it.</returns>
    public string? RefreshToken(HttpContext http) => _refresh.Read(http);

    public void SetSession(HttpContext http, string sessionId) => _session.Set(http, sessionId, SessionLifetime);

    /// <summary>
    /// Sets both tokens. The cookie of the access token lives as long as the refresh token: with the expired token a request is 401 and not
    /// one of a guest.
    /// </summary>
    public void SetTokens(HttpContext http, SignedIn signedIn)
    {
        _access.Set(http, signedIn.AccessToken, RefreshTokens.Lifetime);
        _refresh.Set(http, signedIn.RefreshToken, RefreshTokens.Lifetime);
    }

    /// <summary>Removes both tokens. The browser is a guest again, with the session that it had before.</summary>
    public void RemoveTokens(HttpContext http)
    {
        _access.Set(http, "", TimeSpan.Zero);
        _refresh.Set(http, "", TimeSpan.Zero);
    }
}
