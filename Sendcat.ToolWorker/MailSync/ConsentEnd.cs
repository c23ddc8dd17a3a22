using Sendcat.Integrations.Encryption;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Work;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>Ends the consent of a mailbox that was disconnected: stops its watch, and revokes the token at Google.</summary>
internal sealed class ConsentEnd(
    GmailClient gmail, GmailConsents consents, SecretCipher cipher, Mailboxes mailboxes, ILogger<ConsentEnd> logger)
{
    public async Task<ToolResult> RunAsync(EndedConsent ended, CancellationToken cancellationToken)
    {
        // Google revokes the consent of the address, not the one token.
        if (await mailboxes.IsConnectedAgainAsync(ended.Email, ended.ConnectedAt, cancellationToken))
        {
            return Result("connected again");
        }

        if (!cipher.TryDecrypt(GmailConsents.RefreshPurpose, ended.UserId, ended.RefreshToken, out var refreshToken, out _))
        {
            return new ToolResult.Rejected("The token cannot be decrypted, so the consent was not revoked.");
        }

        var refreshed = await consents.RefreshAsync(refreshToken, cancellationToken);
        if (!refreshed.IsSuccess)
        {
            return refreshed.Error.Code is GmailConsents.InvalidGrant ? Result("revoked before") : GmailErrors.ResultOf(refreshed.Error);
        }

        // A watch that cannot be stopped ends by itself after a week, and its notifications find no mailbox.
        var stopped = await gmail.StopAsync(refreshed.Value.AccessToken, cancellationToken);
        if (!stopped.IsSuccess)
        {
            logger.WatchNotStopped(stopped.Error.Message);
        }

        var revoked = await consents.RevokeAsync(refreshToken, cancellationToken);
        return revoked.IsSuccess || revoked.Error.Code is "invalid_token" ? Result("revoked") : GmailErrors.ResultOf(revoked.Error);
    }

    private ToolResult.Done Result(string outcome)
    {
        logger.ConsentEnded(outcome);
        return new("{}", Cacheable: false);
    }
}
