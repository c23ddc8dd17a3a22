using Microsoft.Extensions.Options;
using Sendcat.Integrations.Gmail;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>
/// Lists the messages of a sync, page by page. Each page is stored together with the position of the next one, so that a sync goes on where
/// it was interrupted. The cursor of the mailbox moves only with the last page.
/// </summary>
internal sealed class MailboxListing(
    GmailClient gmail, SyncRows syncs, IOptionsMonitor<GmailOptions> options, TimeProvider time, ILogger<MailboxListing> logger)
{
    /// <summary>Days that a gap in the history may have.</summary>
    private const int MostDays = 30;

    /// <summary>Days that a mailbox without a completed sync is read back.</summary>
    private const int DefaultDays = 7;

    /// <summary>A page that names itself as the next one would never end.</summary>
    private static readonly UpstreamError Repeated = new("gmail: a page names itself as the next one.", Retryable: true);

    /// <summary>Lists the messages of a sync; of one that is listed, those that were added since.</summary>
    /// <returns>Null: all messages are listed; else the error of Gmail.</returns>
    public async Task<UpstreamError?> ListAsync(SyncRow sync, Mailbox mailbox, string token, CancellationToken cancellationToken)
    {
        if (sync is { IsFull: true, Listed: false })
        {
            return await ListFullAsync(sync, mailbox, token, cancellationToken);
        }

        var (since, page, target, isRestarted) = (mailbox.HistoryId, sync.PageToken, sync.HistoryTarget, false);
        while (true)
        {
            var response = await gmail.HistoryAsync(token, since, page, cancellationToken);
            if (response.IsSuccess)
            {
                var (added, restored, until, next) = response.Value;

                // Each page names the present history id. What came after the first page may be on none of the others.
                var from = page is null || target is null ? until : target.Value;
                var isEnd = next is null && until <= from;
                await syncs.ListAsync(
                    sync, mailbox.SyncToken, added,
                    new(0, next)
                    {
                        Restored = restored, IsEnd = isEnd || sync.Listed, Target = from, Cursor = next is null ? from : null,
                    },
                    cancellationToken);
                if (isEnd)
                {
                    return null;
                }

                target = from;
                if (next is null)
                {
                    (since, page) = (from, null);
                    continue;
                }

                if (next == page)
                {
                    return Repeated;
                }

                page = next;
            }
            else if (response.Error.Status is 404)
            {
                var days = mailbox.LastSyncAt is { } last
                    ? Math.Clamp((int)Math.Ceiling((time.GetUtcNow() - last).TotalDays) + 1, 1, MostDays)
                    : DefaultDays;
                logger.HistoryGone(mailbox.Id, days);
                MailSyncMetrics.HistoryGone();
                await syncs.RecoverAsync(sync, mailbox.SyncToken, days, cancellationToken);
                return await ListFullAsync(
                    sync with { IsFull = true, Listed = false, DaysBack = days, Stage = 0, PageToken = null, HistoryTarget = null },
                    mailbox, token, cancellationToken);
            }
            else if (response.Error.Status is 400 && page is not null && !isRestarted)
            {
                // Another sync has moved the cursor since the page was stored.
                (page, isRestarted) = (null, true);
            }
            else
            {
                return response.Error;
            }
        }
    }

    private async Task<UpstreamError?> ListFullAsync(SyncRow sync, Mailbox mailbox, string token, CancellationToken cancellationToken)
    {
        var target = sync.HistoryTarget;
        if (target is null)
        {
            var profile = await gmail.ProfileAsync(token, cancellationToken);
            if (!profile.IsSuccess)
            {
                return profile.Error;
            }

            // Read before the first page: what arrives during the listing is after it.
            target = profile.Value.HistoryId;
        }

        var searches = MailSearches.Of(time.GetUtcNow().AddDays(-sync.DaysBack), sync.ClosesGap);
        var (total, most) = (sync.Total, options.CurrentValue.MaxMessages);
        var (stage, page, pages, isRestarted) = (sync.Stage, sync.PageToken, 0, false);
        while (true)
        {
            var response = await gmail.ListAsync(token, searches[stage], page, cancellationToken);
            if (!response.IsSuccess)
            {
                if (response.Error.Status is 400 && page is not null && !isRestarted)
                {
                    (page, isRestarted) = (null, true);
                    continue;
                }

                return response.Error;
            }

            pages++;
            var next = response.Value.Next;
            var ids = response.Value.Ids.Take(Math.Max(0, most - total)).ToArray();
            var isSearched = next is null || (stage == 0 && !sync.ClosesGap && pages >= MailSearches.RecentPages);
            var isFull = total + ids.Length >= most;
            var position = new ListingPosition(isSearched ? stage + 1 : stage, isSearched ? null : next) { Target = target };
            var isEnd = isFull || position.Stage >= searches.Count;
            total += await syncs.ListAsync(
                sync, mailbox.SyncToken, ids, position with { IsEnd = isEnd, Cursor = isEnd && sync.ClosesGap ? target : null },
                cancellationToken);
            if (isFull && !(isSearched && position.Stage >= searches.Count))
            {
                logger.ListingCut(mailbox.Id, total);
            }

            if (isEnd)
            {
                return null;
            }

            if (!isSearched && next == page)
            {
                return Repeated;
            }

            (stage, page, pages) = (position.Stage, position.PageToken, isSearched ? 0 : pages);
        }
    }
}
