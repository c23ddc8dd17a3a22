using Microsoft.Extensions.Primitives;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity;

/// <summary>Tells from a request who is asking. No await, no store: this runs before every chat turn.</summary>
internal sealed class Principals(AccessTokens tokens, RevokedFamilies revoked, AnonymousSessions sessions)
{
    private const string Scheme = "Bearer ";

    /// <param name="bodySessionId">The <c>sessionId</c> of the body; it wins over the header.</param>
    /// <returns>
    /// A user with a good bearer token, who may also hold a session; else the holder of a session. 401 for a bad token, for a session we do not accept, and for neither.
    /// A bad session beside a good token is left aside: it must not keep a signed-in user out.
    /// </returns>
    public Outcome<Principal> Read(HttpContext http, string? bodySessionId = null)
    {
        var session = Session(http, bodySessionId);
        var accepted = session is null ? null : sessions.Accept(session);

        var authorization = http.Request.Headers.Authorization;
        if (authorization.Count == 0)
        {
            return accepted is not null ? new Principal(null, accepted)
                : session is null ? ApiError.Unauthorized()
                : ApiError.Unauthorized("The session id is not valid");
        }

        return GrantOf(authorization) is { } grant && !revoked.Contains(grant.Family)
            ? new Principal(grant.UserId, accepted) { IsUnconfirmed = !grant.EmailConfirmed }
            : ApiError.Unauthorized("The access token is not valid or has expired");
    }

    /// <summary>The same, for what only a signed-in user may do.</summary>
    public Outcome<Principal> ReadUser(HttpContext http, string? bodySessionId = null) =>
        !Read(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : principal.UserId is null ? ApiError.Unauthorized("Sign in first")
        : principal;

    /// <summary>The same, for what reaches beyond Sendcat (connecting a mailbox or a phone number): the user's own address must be confirmed first.</summary>
    public Outcome<Principal> ReadConfirmedUser(HttpContext http, string? bodySessionId = null) =>
        !ReadUser(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : principal.IsUnconfirmed ? ApiError.Forbidden("Confirm your e-mail address first, then refresh your access token")
        : principal;

    /// <summary>The session that came along, if it is one whose threads a user may claim: accepted, and signed by us.</summary>
    public string? ClaimableSession(HttpContext http, string? bodySessionId) =>
        Session(http, bodySessionId) is { } session && sessions.Accept(session) is { } accepted && AnonymousSessions.IsSigned(accepted) ? accepted : null;

    /// <summary>For a connection that stays open: by which sign-in it was let in. Null for guests.</summary>
    public SignInOfConnection? SignInOf(HttpContext http) =>
        GrantOf(http.Request.Headers.Authorization) is { } grant ? new(http, grant.Family, revoked) : null;

    private AccessGrant? GrantOf(StringValues authorization) =>
        authorization is [{ } bearer] && bearer.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? tokens.Read(bearer.AsSpan(Scheme.Length).Trim()) : null;

    private static string? Session(HttpContext http, string? bodySessionId)
    {
        if (!string.IsNullOrEmpty(bodySessionId))
        {
            return bodySessionId;
        }

        return http.Request.Headers[AnonymousSessions.Header] is [{ Length: > 0 } header] ? header : null;
    }
}

/// <summary>A connection that stays open and the sign-in that let it in.</summary>
internal sealed class SignInOfConnection(HttpContext connection, Guid family, RevokedFamilies revoked)
{
    public HttpContext Connection => connection;

    public bool IsRevoked => revoked.Contains(family);
}
