using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// The token of a password-reset link: <c>userId.expiry.signature</c>. The signature covers the user's security stamp, which the new password changes: a link works once.
/// Signed with our own key rather than data protection, so that every replica believes it without a shared key ring.
/// </summary>
internal sealed class ResetTokens(SigningKey key, TimeProvider time) : IUserTwoFactorTokenProvider<SendcatUser>
{
    public const string ProviderName = "reset";
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly byte[] signingKey = key.Derive("password-reset");

    public static string? UserOf(string token) => token.Split('.') is [{ Length: > 0 and <= 64 } user, _, _] ? user : null;

    public async Task<string> GenerateAsync(string purpose, UserManager<SendcatUser> manager, SendcatUser user)
    {
        var expiry = (time.GetUtcNow() + Lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
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

    private string Sign(string purpose, string userId, string expiry, string stamp) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(signingKey, Encoding.UTF8.GetBytes($"{purpose}\n{userId}\n{expiry}\n{stamp}")));
}
