using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.Cookies;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity;

/// <summary>Identifies the caller of a request. It runs before every chat turn, so it neither awaits nor reads a store.</summary>
internal sealed class Principals(AccessTokens tokens, RevokedFamilies revoked, AnonymousSessions sessions, BrowserCookies cookies)
{
    private const string Scheme = "Bearer ";

    /// <summary>True when a header names the caller, with a token or a session.</summary>
    public static bool NamesCaller(HttpContext http) =>
        http.Request.Headers.Authorization.Count > 0 || http.Request.Headers.ContainsKey(AnonymousSessions.Header);

    /// <param name="http">The request.</param>
    /// <param name="bodySessionId">The <c>sessionId</c> of the body; it takes precedence over the header, and that over the cookie.</param>
    /// <returns>
    /// The user of a valid bearer token, or of the cookie when there is no <c>Authorization</c>, together with an accepted session if there
    /// is one; without a token the holder of the session. 401 for an invalid token, for a session that is not accepted, and for neither. An
    /// invalid session beside a valid token is ignored, so that it does not lock a signed-in user out.
    /// </returns>
    public Outcome<Principal> Read(HttpContext http, string? bodySessionId = null)
    {
        var session = Session(http, bodySessionId);
        var accepted = session is null ? null : sessions.Accept(session);

        if (http.Request.Headers.Authorization.Count == 0 && cookies.AccessToken(http) is null)
        {
            return accepted is not null ? new Principal(null, accepted) { PresentedSessionId = session }
                : session is null ? ApiError.Unauthorized()
                : ApiError.Unauthorized("The session id is not valid");
        }

        return GrantOf(http) is { } grant && !revoked.Contains(grant.Family)
            ? new Principal(grant.UserId, accepted)
            {
                IsUnconfirmed = !grant.EmailConfirmed, PresentedSessionId = accepted is null ? null : session,
            }
            : ApiError.Unauthorized("The access token is not valid or has expired");
    }

    /// <summary>Like <see cref="Read"/>, for operations that need a signed-in user: 401 for a guest.</summary>
    public Outcome<Principal> ReadUser(HttpContext http, string? bodySessionId = null) =>
        !Read(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : principal.UserId is null ? ApiError.Unauthorized("Sign in first")
        : principal;

    /// <summary>
    /// Like <see cref="ReadUser"/>, for operations that affect systems outside of Sendcat (connecting a mailbox or a phone number): 403
    /// until the user's address is confirmed.
    /// </summary>
    public Outcome<Principal> ReadConfirmedUser(HttpContext http, string? bodySessionId = null) =>
        !ReadUser(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : principal.IsUnconfirmed ? ApiError.Forbidden("Confirm your e-mail address first, then refresh your access token")
        : principal;

    /// <summary>The session of the request, if a user may adopt its threads: it is accepted, and we issued it. Else null.</summary>
    public string? AdoptableSession(HttpContext http, string? bodySessionId) =>
        Session(http, bodySessionId) is { } session && sessions.Accept(session) is { } accepted && AnonymousSessions.IsSigned(accepted)
            ? accepted
            : null;

    /// <summary>The sign-in that authenticates a long-lived connection; null for guests.</summary>
    public SignInOfConnection? SignInOf(HttpContext http) =>
        GrantOf(http) is { } grant ? new(http, grant.UserId, grant.Family, revoked) : null;

    private AccessGrant? GrantOf(HttpContext http) => http.Request.Headers.Authorization switch
    {
        [] => cookies.AccessToken(http) is { } cookie ? tokens.Read(cookie) : null,
        [{ } bearer] when bearer.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) => tokens.Read(bearer.AsSpan(Scheme.Length).Trim()),
        _ => null,
    };

    private string? Session(HttpContext http, string? bodySessionId)
    {
        if (!string.IsNullOrEmpty(bodySessionId))
        {
            return bodySessionId;
        }

        return http.Request.Headers[AnonymousSessions.Header] is [{ Length: > 0 } header] ? header : cookies.SessionId(http);
    }
}

/// <summary>A long-lived connection and the sign-in that authenticates it.</summary>
internal sealed class SignInOfConnection(HttpContext connection, string userId, Guid family, RevokedFamilies revoked)
{
    public HttpContext Connection => connection;

    public string UserId => userId;

    public bool IsRevoked => revoked.Contains(family);
}
