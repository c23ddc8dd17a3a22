namespace Sendcat.ApiService.Identity;

/// <summary>Who a request speaks for: a signed-in user, or the holder of an anonymous session id.</summary>
internal sealed record Principal(string? UserId, string? SessionId)
{
    /// <summary>The name that limits are counted under: <c>user:…</c> or <c>session:…</c>.</summary>
    public string Key => UserId is not null ? $"user:{UserId}" : $"session:{SessionId}";

    /// <summary>The same for logs: an unsigned session id is a secret, so only its beginning is told.</summary>
    public string LogName => UserId is not null ? Key : $"session:{(SessionId is { Length: > 8 } ? SessionId[..8] + "…" : "…")}";

    public override string ToString() => LogName;

    /// <summary>A user whose mail address was not confirmed when the access token was issued.</summary>
    public bool IsUnconfirmed { get; init; }

    /// <summary>Guests, and users whose address is not confirmed: their models, quotas and share of the streams are those of guests. Accounts cost nothing until a mailbox stands behind them.</summary>
    public bool HasGuestLimits => UserId is null || IsUnconfirmed;

    /// <summary>The session is one that we issued. What a browser made up may be guessed or shared: no personal data is kept under it, and nothing is claimed with it.</summary>
    public bool HasSignedSession => SessionId is not null && AnonymousSessions.IsSigned(SessionId);

    /// <summary>A thread with an owner is the owner's alone; one without belongs to its session.</summary>
    public bool Owns(string? threadUserId, string? threadSessionId) =>
        threadUserId is not null ? threadUserId == UserId : SessionId is not null && threadSessionId == SessionId;
}
