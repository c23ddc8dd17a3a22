using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// The token of a link in a mail: <c>userId.expiry.signature</c>. The signature covers the purpose and the user's security stamp. A new
/// password changes the stamp, so a reset link works once. The tokens are signed with the signing key instead of data protection, so that
/// every replica can verify them without a shared key ring.
/// </summary>
internal sealed class LinkTokens(SigningKey key, TimeProvider time) : IUserTwoFactorTokenProvider<SendcatUser>
{
    public const string ProviderName = "link";

    private static readonly TimeSpan ResetLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan ConfirmationLifetime = TimeSpan.FromDays(7);
    private static readonly TimeSpan ChangeLifetime = TimeSpan.FromHours(1);

    /// <summary>The purpose of a link that changes the address contains the new address.</summary>
    private static readonly string ChangeEmailPurposePrefix = UserManager<SendcatUser>.GetChangeEmailTokenPurpose("");

    private readonly byte[] _signingKey = key.Derive("password-reset");

    /// <returns>The user id in the token, not verified; null for text that does not have the form of a token.</returns>
    public static string? UserOf(string token) => token.Split('.') is [var user, _, _] && Guid.TryParseExact(user, "D", out _) ? user : null;

    public async Task<string> GenerateAsync(string purpose, UserManager<SendcatUser> manager, SendcatUser user)
    {
        var expiry = (time.GetUtcNow() + LifetimeOf(purpose)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"{user.Id}.{expiry}.{Sign(purpose, user.Id, expiry, await manager.GetSecurityStampAsync(user))}";
    }

    public async Task<bool> ValidateAsync(string purpose, string token, UserManager<SendcatUser> manager, SendcatUser user)
    {
        var stamp = await manager.GetSecurityStampAsync(user);
        return token.Split('.') is [var owner, var expiry, var signature]
            && string.Equals(owner, user.Id, StringComparison.Ordinal)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature), Encoding.UTF8.GetBytes(Sign(purpose, owner, expiry, stamp)))
            && long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && time.GetUtcNow().ToUnixTimeSeconds() < seconds;
    }

    public Task<bool> CanGenerateTwoFactorTokenAsync(UserManager<SendcatUser> manager, SendcatUser user) => Task.FromResult(false);

    private static TimeSpan LifetimeOf(string purpose) => purpose switch
    {
        UserManager<SendcatUser>.ResetPasswordTokenPurpose => ResetLifetime,
        UserManager<SendcatUser>.ConfirmEmailTokenPurpose => ConfirmationLifetime,
        _ when purpose.StartsWith(ChangeEmailPurposePrefix, StringComparison.Ordinal) => ChangeLifetime,
        _ => throw new ArgumentOutOfRangeException(nameof(purpose), purpose, "Unknown link purpose."),
    };

    private string Sign(string purpose, string userId, string expiry, string stamp) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(_signingKey, Encoding.UTF8.GetBytes($"{purpose}\n{userId}\n{expiry}\n{stamp}")));
}
