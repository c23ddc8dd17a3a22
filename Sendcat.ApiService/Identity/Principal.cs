namespace Sendcat.ApiService.Identity;

/// <summary>Who a request speaks for: a signed-in user, or the holder of an anonymous session id.</summary>
internal sealed record Principal(string? UserId, string? SessionId)
{
    /// <summary>The name that limits are counted under: <c>user:…</c> or <c>session:…</c>.</summary>
    public string Key => UserId is not null ? $"user:{UserId}" : $"session:{SessionId}";

    /// <summary>The same for logs: an unsigned session id is a secret, so only its beginning is told.</summary>
    public string LogName => UserId is not null ? Key : $"session:{(SessionId is { Length: > 8 } ? SessionId[..8] + "…" : "…")}";

    public override string ToString() => LogName;

    /// <summary>A thread with an owner is the owner's alone; one without belongs to its session.</summary>
    public bool Owns(string? threadUserId, string? threadSessionId) =>
        threadUserId is not null ? threadUserId == UserId : SessionId is not null && threadSessionId == SessionId;
}
