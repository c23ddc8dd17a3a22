using Sendcat.Integrations.Encryption;
using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>
/// The access tokens of mailboxes: the stored one while it is valid for another minute, else a new one. Tokens that an earlier key
/// encrypted are encrypted again.
/// </summary>
internal sealed class MailboxTokens(
    GmailConsents consents, SecretCipher cipher, Mailboxes mailboxes, TimeProvider time, ILogger<MailboxTokens> logger)
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    /// <param name="mailbox">The mailbox.</param>
    /// <param name="isRefused">True: Gmail has refused the stored token.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <returns>The token; an error with <see cref="GmailConsents.InvalidGrant"/> when only the user can help.</returns>
    public async Task<UpstreamResult<string>> FindAsync(Mailbox mailbox, bool isRefused, CancellationToken cancellationToken)
    {
        if (!cipher.TryDecrypt(
                GmailConsents.RefreshPurpose, mailbox.UserId, mailbox.RefreshToken, out var refreshToken, out var isOutdated))
        {
            logger.TokenUnreadable(mailbox.Id);
            return new UpstreamError("The stored token cannot be decrypted.", Retryable: false) { Code = GmailConsents.InvalidGrant };
        }

        if (!isRefused && mailbox is { AccessToken: { } stored, AccessTokenExpiresAt: { } expires } && expires - time.GetUtcNow() > Margin
            && cipher.TryDecrypt(GmailConsents.AccessPurpose, mailbox.UserId, stored, out var access, out _))
        {
            if (isOutdated)
            {
                await StoreAsync(mailbox, refreshToken, access, expires, cancellationToken);
            }

            return access;
        }

        var refreshed = await consents.RefreshAsync(refreshToken, cancellationToken);
        if (!refreshed.IsSuccess)
        {
            return refreshed.Error;
        }

        await StoreAsync(
            mailbox, refreshed.Value.RefreshToken ?? refreshToken, refreshed.Value.AccessToken,
            time.GetUtcNow() + refreshed.Value.ExpiresIn, cancellationToken);
        return refreshed.Value.AccessToken;
    }

    private Task StoreAsync(
        Mailbox mailbox, string refresh, string access, DateTimeOffset expires, CancellationToken cancellationToken) =>
        mailboxes.StoreTokensAsync(
            mailbox,
            cipher.Encrypt(GmailConsents.RefreshPurpose, mailbox.UserId, refresh),
            cipher.Encrypt(GmailConsents.AccessPurpose, mailbox.UserId, access),
            expires,
            cancellationToken);
}
