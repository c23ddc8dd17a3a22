namespace Sendcat.ApiService.Identity;

/// <summary>Event ids 1200–1299.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(1200, LogLevel.Warning, "A refresh token of user {UserId} was used again later; the sign-in was revoked")]
    public static partial void RefreshTokenReused(this ILogger logger, string userId);

    [LoggerMessage(1204, LogLevel.Information, "User {UserId} chose a new password; {SignIns} sign-ins were revoked")]
    public static partial void PasswordReset(this ILogger logger, string userId, int signIns);

    [LoggerMessage(1205, LogLevel.Warning, "Identity rows that are not needed any more could not be deleted: {Cause}")]
    public static partial void SweepFailed(this ILogger logger, string cause);

    [LoggerMessage(1202, LogLevel.Warning, "Revoked sign-ins could not be read, those read last stay in force: {Error}")]
    public static partial void RevocationsUnread(this ILogger logger, string error);

    [LoggerMessage(1203, LogLevel.Warning, "The signal that sign-ins were revoked was lost ({Cause}); other replicas read the table within seconds")]
    public static partial void RevocationSignalLost(this ILogger logger, string cause);
}
