using Microsoft.AspNetCore.Identity;
using Sendcat.Integrations.Signing;

namespace Sendcat.ApiService.Identity.Tokens;

/// <summary>
/// The tokens of links in mails, for ASP.NET Core Identity. They are signed with the signing key instead of data protection, so that every
/// replica and the worker that sends the mail can make and verify them without a shared key ring.
/// </summary>
internal sealed class LinkTokens(LinkSigner signer, TimeProvider time) : IUserTwoFactorTokenProvider<SendcatUser>
{
    public const string ProviderName = "link";

    /// <returns>The user id in the token, not verified; null for text that does not have the form of a token.</returns>
    public static string? UserOf(string token) =>
        token.Split('.') is [var user, _, _] && Guid.TryParseExact(user, "D", out _) ? user : null;

    public async Task<string> GenerateAsync(string purpose, UserManager<SendcatUser> manager, SendcatUser user) =>
        signer.Sign(LinkPurpose.Named(purpose), user.Id, await manager.GetSecurityStampAsync(user), time.GetUtcNow());

    public async Task<bool> ValidateAsync(string purpose, string token, UserManager<SendcatUser> manager, SendcatUser user) =>
        signer.Verify(token, LinkPurpose.Named(purpose), user.Id, await manager.GetSecurityStampAsync(user), time.GetUtcNow());

    public Task<bool> CanGenerateTwoFactorTokenAsync(UserManager<SendcatUser> manager, SendcatUser user) => Task.FromResult(false);
}
