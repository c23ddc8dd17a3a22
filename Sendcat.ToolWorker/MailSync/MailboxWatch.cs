using Microsoft.Extensions.Options;
using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>Asks Gmail to publish the changes of a mailbox.</summary>
internal sealed class MailboxWatch(
    GmailClient gmail, Mailboxes mailboxes, IOptionsMonitor<GmailOptions> options, ILogger<MailboxWatch> logger)
{
    public bool IsConfigured => options.CurrentValue.Topic.Length > 0;

    /// <returns>Null on success, and when no topic is configured.</returns>
    public async Task<UpstreamError?> RenewAsync(Mailbox mailbox, string token, CancellationToken cancellationToken)
    {
        if (!IsConfigured)
        {
            return null;
        }

        var watched = await gmail.WatchAsync(token, cancellationToken);
        await mailboxes.WatchedAsync(mailbox, watched.Value?.Until, cancellationToken);
        MailSyncMetrics.WatchRenewed(watched.IsSuccess);
        if (!watched.IsSuccess)
        {
            logger.WatchNotRenewed(mailbox.Id, watched.Error.Message);
        }

        return watched.Error;
    }
}
