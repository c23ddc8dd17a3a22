using System.Text.Json;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>Executes <c>mail_sync</c>: one sync of a mailbox, or the end of a consent.</summary>
internal sealed class MailSyncHandler(
    SyncRows syncs, Mailboxes mailboxes, MailboxTokens tokens, MailboxWatch watch, MailboxListing listing, MailboxReading reading,
    ConsentEnd consentEnd,
    PreferenceReader preferences, OrderExtraction extraction, ILogger<MailSyncHandler> logger) : IToolHandler
{
    public const string NeedsConsent = "needs_reauth";

    private static readonly ToolResult.Done Nothing = new("{}", Cacheable: false);

    /// <summary>Delay while another sync has the mailbox.</summary>
    private static readonly TimeSpan BusyDelay = TimeSpan.FromSeconds(2);

    public ToolLane Lane => QueuedWork.MailSync.Lane;

    public Task PrepareAsync(CancellationToken cancellationToken) => extraction.PrepareAsync(cancellationToken);

    public async Task<ToolResult> RunAsync(string arguments, CancellationToken cancellationToken)
    {
        var job = JsonSerializer.Deserialize(arguments, MailSyncJson.Default.MailSyncJob)!;
        if (job.Ended is { } ended)
        {
            return await consentEnd.RunAsync(ended, cancellationToken);
        }

        if (job is { Sync: { } pushed, Mailbox: { } pushedMailbox })
        {
            await syncs.CreateAsync(pushed, pushedMailbox, cancellationToken);
        }

        if (job.Sync is not { } id || await syncs.FindAsync(id, cancellationToken) is not { State: not "completed" } sync)
        {
            return Nothing;
        }

        if (!sync.IsActive)
        {
            await syncs.RefuseAsync(id, NeedsConsent, cancellationToken);
            return Nothing;
        }

        if (await mailboxes.AcquireAsync(sync.Mailbox, cancellationToken) is not { } mailbox)
        {
            return new ToolResult.Postponed(BusyDelay);
        }

        try
        {
            // Another sync of the mailbox may have run since it was read.
            return await syncs.FindAsync(id, cancellationToken) is { } present
                ? await RunAsync(present, mailbox, cancellationToken)
                : Nothing;
        }
        catch (LeaseLostException)
        {
            logger.MailboxLost(sync.Mailbox);
            return new ToolResult.Postponed(BusyDelay);
        }
        finally
        {
            await mailboxes.ReleaseAsync(mailbox);
        }
    }

    private async Task<ToolResult> RunAsync(SyncRow sync, Mailbox mailbox, CancellationToken cancellationToken)
    {
        await syncs.StartAsync(sync, mailbox.SyncToken, cancellationToken);
        if (!(await preferences.ReadAsync(mailbox.UserId, cancellationToken)).GmailSyncEnabled)
        {
            return await EndAsync(sync, mailbox, null, cancellationToken, hasRead: false);
        }

        var token = await tokens.FindAsync(mailbox, isRefused: false, cancellationToken);
        if (!token.IsSuccess)
        {
            return await StopAsync(sync, mailbox, token.Error, cancellationToken);
        }

        var error = await WorkAsync(sync, mailbox, token.Value, cancellationToken);
        if (error is not null && GmailErrors.IsRefusedToken(error))
        {
            token = await tokens.FindAsync(mailbox, isRefused: true, cancellationToken);
            error = token.IsSuccess
                ? await syncs.FindAsync(sync.Id, cancellationToken) is { } present
                ? await WorkAsync(present, mailbox, token.Value, cancellationToken)
                : null
                : token.Error;
        }

        if (error is not null)
        {
            return await StopAsync(sync, mailbox, error, cancellationToken);
        }

        // Messages that failed are tried again later; other syncs of the mailbox may run meanwhile.
        return await syncs.UntilNextAsync(sync, cancellationToken) is { } wait
            ? new ToolResult.Postponed(wait > TimeSpan.Zero ? wait : TimeSpan.Zero)
            : await EndAsync(sync, mailbox, null, cancellationToken);
    }

    private async Task<UpstreamError?> WorkAsync(SyncRow sync, Mailbox mailbox, string token, CancellationToken cancellationToken)
    {
        if (mailbox.WatchRenewedAt is null && await watch.RenewAsync(mailbox, token, cancellationToken) is { } failed
            && (GmailErrors.IsRefusedToken(failed) || GmailErrors.NeedsConsent(failed)))
        {
            return failed;
        }

        if (!sync.Listed)
        {
            if (await listing.ListAsync(sync, mailbox, token, cancellationToken) is { } error)
            {
                return error;
            }

            await syncs.AdoptAsync(sync, mailbox.SyncToken, cancellationToken);
        }
        else if (sync.FollowsHistory && await listing.ListAsync(sync, mailbox, token, cancellationToken) is { } error)
        {
            // A notification that came while this sync waited for another attempt has no job of its own.
            return error;
        }

        return await reading.ReadAsync(sync, mailbox, token, cancellationToken);
    }

    private async Task<ToolResult> StopAsync(SyncRow sync, Mailbox mailbox, UpstreamError error, CancellationToken cancellationToken)
    {
        if (!GmailErrors.NeedsConsent(error) && !GmailErrors.IsRefusedToken(error))
        {
            logger.SyncDelayed(sync.Id, error.Message);
            return GmailErrors.ResultOf(error);
        }

        if (await mailboxes.NeedsConsentAsync(mailbox, cancellationToken))
        {
            logger.ConsentMissing(mailbox.Id, error.Message);
            MailSyncMetrics.ConsentMissing();
        }

        return await EndAsync(sync, mailbox, NeedsConsent, cancellationToken);
    }

    private async Task<ToolResult> EndAsync(
        SyncRow sync, Mailbox mailbox, string? error, CancellationToken cancellationToken, bool hasRead = true)
    {
        await syncs.EndAsync(sync, mailbox.SyncToken, error, hasRead, cancellationToken);
        logger.SyncEnded(sync.Id, sync.IsFull ? "full" : "incremental", sync.Cause, error ?? "completed");
        MailSyncMetrics.Ended(sync.Cause, error ?? "completed");
        return Nothing;
    }
}

internal static class MailSyncFeature
{
    public static IServiceCollection AddMailSync(this IServiceCollection services)
    {
        services.AddGmailClient().AddExtraction().AddOrderIntake()
            .AddSingleton<SyncRows>().AddSingleton<Mailboxes>().AddSingleton<MailboxTokens>().AddSingleton<MailboxWatch>()
            .AddSingleton<MailboxListing>().AddSingleton<MailboxReading>().AddSingleton<ConsentEnd>().AddSingleton<MailboxSchedule>()
            .AddSingleton<IToolHandler, MailSyncHandler>();
        foreach (var job in MailboxSchedule.Jobs)
        {
            services.AddSingleton(job);
        }

        return services;
    }
}
