namespace Sendcat.ApiService.Identity;

/// <summary>Event ids 1200–1299.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(1200, LogLevel.Warning, "A refresh token of user {UserId} was used twice; the sign-in was ended")]
    public static partial void RefreshTokenReused(this ILogger logger, string userId);

    [LoggerMessage(1201, LogLevel.Warning, "User {UserId} was locked out after too many wrong passwords")]
    public static partial void LockedOut(this ILogger logger, string userId);
}
