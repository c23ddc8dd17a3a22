namespace Sendcat.ApiService.Identity;

/// <summary>Event ids 1200–1299.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(1200, LogLevel.Warning, "Refresh token of user {UserId} reused after its grace period; sign-in revoked")]
    public static partial void RefreshTokenReused(this ILogger logger, string userId);

    [LoggerMessage(1204, LogLevel.Information, "Password of user {UserId} reset; {SignIns} sign-ins revoked")]
    public static partial void PasswordReset(this ILogger logger, string userId, int signIns);

    [LoggerMessage(1206, LogLevel.Information, "Password of user {UserId} changed by the user; {SignIns} sign-ins revoked")]
    public static partial void PasswordChanged(this ILogger logger, string userId, int signIns);

    [LoggerMessage(1207, LogLevel.Information, "Mail address of user {UserId} changed")]
    public static partial void AddressChanged(this ILogger logger, string userId);

    [LoggerMessage(1208, LogLevel.Information, "Account of user {UserId} deleted")]
    public static partial void AccountDeleted(this ILogger logger, string userId);

    /// <param name="error">A value of <c>GoogleError</c>.</param>
    [LoggerMessage(1209, LogLevel.Warning, "Return from Google failed as {Error}: {Cause}")]
    public static partial void GoogleReturnFailed(this ILogger logger, string error, string cause);

    /// <param name="way"><c>created</c>, <c>linked</c>, <c>taken over</c> or <c>unlinked</c>.</param>
    [LoggerMessage(1210, LogLevel.Information, "Google account of user {UserId}: {Way}")]
    public static partial void GoogleLinked(this ILogger logger, string userId, string way);

    [LoggerMessage(
        1211, LogLevel.Warning, "Sign-in with Google is off: GOOGLE_CLIENT_ID is set, but not GOOGLE_CLIENT_SECRET or API_PUBLIC_URL")]
    public static partial void GoogleIncomplete(this ILogger logger);

    [LoggerMessage(1212, LogLevel.Information, "Access to the account of user {UserId} ended for its deletion; {SignIns} sign-ins revoked")]
    public static partial void AccountClosed(this ILogger logger, string userId, int signIns);

    /// <param name="cause">The type of the exception.</param>
    [LoggerMessage(1213, LogLevel.Warning, "Accounts not deleted, trying again: {Cause}")]
    public static partial void AccountsNotDeleted(this ILogger logger, string cause);

    [LoggerMessage(1202, LogLevel.Warning, "Revoked sign-ins not read, keeping the last known ones: {Error}")]
    public static partial void RevocationsNotRead(this ILogger logger, string error);

    [LoggerMessage(1203, LogLevel.Warning, "Revocation signal lost ({Cause}); other replicas read the table within seconds")]
    public static partial void RevocationSignalLost(this ILogger logger, string cause);
}
