using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Gmail;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.ToolWorker.Schedule;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>What is done for mailboxes at intervals.</summary>
internal sealed class MailboxSchedule(
    NpgsqlDataSource database, Mailboxes mailboxes, MailboxTokens tokens, MailboxWatch watch, IOptionsMonitor<MailSyncOptions> syncOptions,
    IOptionsMonitor<GmailOptions> options, OutboxPublisher publisher, TimeProvider time, ILogger<MailboxSchedule> logger)
{
    /// <summary>Gmail's watch ends after seven days, so six renewals may fail.</summary>
    private static readonly TimeSpan RenewalAge = TimeSpan.FromHours(24);

    /// <summary>A watch with less time left is reported.</summary>
    private static readonly TimeSpan LeastWatch = TimeSpan.FromHours(48);

    private static readonly TimeSpan CatchUpAge = TimeSpan.FromMinutes(25);
    private const int Batch = 200;
    private const int MostRequested = 10_000;
    private const int Samples = 5;

    /// <summary>The jobs, for the schedule.</summary>
    public static IEnumerable<Func<IServiceProvider, ScheduledJob>> Jobs =>
    [
        Job(
            "renew-gmail-watches", "Renews the watches of mailboxes daily, and reports those that end within 48 hours.",
            TimeSpan.FromMinutes(15), (work, all, token) => work.RenewWatchesAsync(all, token)),
        Job(
            "gmail-catchup-sync", "Reads mailboxes that were not read for 25 minutes, in case a notification was lost.",
            TimeSpan.FromMinutes(30), (work, _, token) => work.CatchUpAsync(token)),
        Job(
            "monitor-parser-drift", "Reports merchants whose mails are no longer read by their parser.", TimeSpan.FromHours(1),
            (work, _, token) => work.FindDriftAsync(token)),
        Job(
            "cleanup-gmail-syncs", "Deletes the progress of syncs after 30 days and the list of read messages after 60.",
            TimeSpan.FromHours(24), (work, _, token) => work.CleanUpAsync(token)),
    ];

    internal async Task<ScheduledResult> RenewWatchesAsync(bool all, CancellationToken cancellationToken)
    {
        if (!watch.IsConfigured)
        {
            return new("GMAIL_PUBSUB_TOPIC is not set", Changed: false);
        }

        var (renewed, failed) = (0, 0);
        while (await mailboxes.UnwatchedAsync(
                all ? TimeSpan.Zero : RenewalAge, all ? MostRequested : Batch, cancellationToken) is { Count: > 0 } batch)
        {
            foreach (var mailbox in batch)
            {
                if (await TryRenewAsync(mailbox, cancellationToken))
                {
                    renewed++;
                }
                else
                {
                    failed++;
                }
            }

            if (all)
            {
                break;
            }
        }

        var (ending, samples) = await mailboxes.EndingWatchesAsync(LeastWatch, cancellationToken);
        MailSyncMetrics.WatchesEnding(ending);
        if (ending > 0)
        {
            logger.WatchesEnding(ending, string.Join(", ", samples));
        }

        return new($"{renewed} renewed, {failed} failed, {ending} end within 48 h", renewed + failed > 0);
    }

    internal async Task<ScheduledResult> CatchUpAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var abandoned = await AbandonAsync(connection, cancellationToken);
        var queued = 0;
        foreach (var mailbox in await StaleAsync(connection, cancellationToken))
        {
            var entered = await GmailSyncEntry.EnterAsync(
                sql => new(sql, connection), mailbox, GmailSyncKind.Incremental, "schedule", 0, syncOptions.CurrentValue.MaxAttempts,
                time.GetUtcNow(), cancellationToken);
            queued += entered is { IsNew: true } ? 1 : 0;
        }

        publisher.Signal(QueuedWork.MailSync.Lane);
        return new($"{queued} queued, {abandoned} given up", queued + abandoned > 0);
    }

    internal async Task<ScheduledResult> FindDriftAsync(CancellationToken cancellationToken)
    {
        var found = new List<string>();
        await using var command = database.CreateCommand(
            """
            -- find parser drift
            SELECT merchant, count(*)::int, count(*) FILTER (WHERE path IN ('model', 'none'))::int,
                (array_agg(message_id ORDER BY settled_at DESC) FILTER (WHERE path IN ('model', 'none')))[1:$3]
            FROM gmail_messages WHERE settled_at > statement_timestamp() - INTERVAL '24 hours' AND merchant IS NOT NULL AND path IS NOT NULL
            GROUP BY merchant HAVING count(*) >= $1 AND count(*) FILTER (WHERE path IN ('model', 'none')) * 100 >= count(*) * $2
            """);
        command.Parameters.Add(new() { Value = options.CurrentValue.DriftMinMails });
        command.Parameters.Add(new() { Value = options.CurrentValue.DriftAlertPct });
        command.Parameters.Add(new() { Value = Samples });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var merchant = reader.GetString(0);
            logger.ParserDrift(
                merchant, reader.GetInt32(2), reader.GetInt32(1),
                string.Join(", ", await reader.GetFieldValueAsync<string[]>(3, cancellationToken)));
            MailSyncMetrics.Drifted(merchant);
            found.Add(merchant);
        }

        return new(found.Count == 0 ? "no drift" : $"drift of {string.Join(", ", found)}", found.Count > 0);
    }

    internal async Task<ScheduledResult> CleanUpAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- delete old gmail syncs
            WITH syncs AS (
                DELETE FROM gmail_syncs WHERE ended_at < statement_timestamp() - INTERVAL '30 days' RETURNING id
            ), messages AS (
                DELETE FROM gmail_messages WHERE settled_at < statement_timestamp() - INTERVAL '60 days' RETURNING message_id
            )
            SELECT (SELECT count(*) FROM syncs), (SELECT count(*) FROM messages)
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (syncs, messages) = (reader.GetInt64(0), reader.GetInt64(1));
        return new($"{syncs} syncs and {messages} messages deleted", syncs + messages > 0);
    }

    private async Task<bool> TryRenewAsync(Mailbox mailbox, CancellationToken cancellationToken)
    {
        for (var isRefused = false; ; isRefused = true)
        {
            var token = await tokens.FindAsync(mailbox, isRefused, cancellationToken);
            var error = token.IsSuccess ? await watch.RenewAsync(mailbox, token.Value, cancellationToken) : token.Error;
            if (error is null)
            {
                return true;
            }

            if (!isRefused && GmailErrors.IsRefusedToken(error))
            {
                continue;
            }

            if ((GmailErrors.NeedsConsent(error) || GmailErrors.IsRefusedToken(error))
                && await mailboxes.NeedsConsentAsync(mailbox, cancellationToken))
            {
                logger.ConsentMissing(mailbox.Id, error.Message);
                MailSyncMetrics.ConsentMissing();
            }

            // Tried again in an hour; else the same mailboxes would come first at once.
            await mailboxes.WatchedAsync(mailbox, null, cancellationToken);
            return false;
        }
    }

    private static async Task<IReadOnlyList<Guid>> StaleAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            -- find stale mailboxes
            SELECT c.id FROM gmail_connections c LEFT JOIN user_preferences p ON p.user_id = c.user_id
            WHERE c.status = 'active' AND coalesce(p.gmail_sync_enabled, true) AND coalesce(c.last_sync_at,
                c.connected_at) < statement_timestamp() - $1
                AND NOT EXISTS (SELECT FROM gmail_syncs s WHERE s.connection_id = c.id AND s.state IN ('queued', 'running')
                    AND NOT (s.listed AND s.cause IN ('connect', 'user')))
            """,
            connection)
        {
            Parameters = { new() { Value = CatchUpAge } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stale = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            stale.Add(reader.GetGuid(0));
        }

        return stale;
    }

    /// <summary>Ends the syncs whose jobs have used all their attempts, so that the mailbox is caught up.</summary>
    private static async Task<int> AbandonAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            -- abandon gmail syncs
            UPDATE gmail_syncs s SET state = 'failed', error = 'gave_up', ended_at = statement_timestamp()
            WHERE s.state IN ('queued', 'running') AND s.created_at < statement_timestamp() - INTERVAL '10 minutes' AND NOT EXISTS (
                SELECT FROM reliability.tool_jobs j WHERE j.tool = 'mail_sync' AND j.status IN ('queued', 'running')
                    AND j.principal IN ('gmail:' || s.connection_id, 'gmail-push:' || s.connection_id))
            """,
            connection);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static Func<IServiceProvider, ScheduledJob> Job(
        string name, string description, TimeSpan interval, Func<MailboxSchedule, bool, CancellationToken, Task<ScheduledResult>> run) =>
        provider => new(
            name, description, interval,
            (isRequested, cancellationToken) => run(provider.GetRequiredService<MailboxSchedule>(), isRequested, cancellationToken));
}
