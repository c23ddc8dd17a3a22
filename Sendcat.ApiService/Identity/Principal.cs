namespace Sendcat.ApiService.Identity;

/// <summary>The caller of a request: a signed-in user, or the holder of an anonymous session id.</summary>
/// <param name="UserId">The signed-in user; null for a guest.</param>
/// <param name="SessionId">The accepted session id; null for a user without one.</param>
internal sealed record Principal(string? UserId, string? SessionId)
{
    /// <summary>The key under which limits count the caller: <c>user:…</c> or <c>session:…</c>.</summary>
    public string Key => UserId is not null ? $"user:{UserId}" : $"session:{SessionId}";

    /// <returns>The id of the user or session that a <see cref="Key"/> was made from.</returns>
    public static string IdOf(string key) => key[(key.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>The key for logs. An unsigned session id is a secret, so it is cut to its first 8 characters.</summary>
    public string LogName => UserId is not null ? Key : $"session:{(SessionId is { Length: > 8 } ? SessionId[..8] + "…" : "…")}";

    /// <summary>The session id as the client presented it, with its signature; null for a user without one.</summary>
    public string? PresentedSessionId { get; init; }

    public override string ToString() => LogName;

    /// <summary>True for a user whose mail address was not confirmed when the access token was issued.</summary>
    public bool IsUnconfirmed { get; init; }

    /// <summary>
    /// True for guests, and for users whose address is not confirmed: they get the models, quotas and stream limits of guests. Creating an
    /// account costs nothing, so an unconfirmed one grants nothing.
    /// </summary>
    public bool HasGuestLimits => UserId is null || IsUnconfirmed;

    /// <summary>
    /// True when we issued the session. An id that a browser generated may be guessed or shared: no personal data is stored under it, and
    /// no threads can be adopted with it.
    /// </summary>
    public bool HasSignedSession => SessionId is not null && AnonymousSessions.IsSigned(SessionId);

    /// <summary>
    /// True when the thread belongs to the caller. A thread with a user belongs to that user alone, one without to its session.
    /// </summary>
    public bool Owns(string? threadUserId, string? threadSessionId) =>
        threadUserId is not null ? threadUserId == UserId : SessionId is not null && threadSessionId == SessionId;
}
