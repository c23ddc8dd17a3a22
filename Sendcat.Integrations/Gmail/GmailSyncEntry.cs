using System.Text.Json;
using Npgsql;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Integrations.Gmail;

/// <summary>Enqueues syncs of mailboxes, together with their jobs.</summary>
public static class GmailSyncEntry
{
    /// <summary>
    /// Enqueues a sync, unless one of the same kind is queued already: that one begins later than now, so it reads the same and more. After
    /// the commit signal the lane.
    /// </summary>
    private const string Enter = """
        -- enter gmail sync
        WITH box AS (
            SELECT id, user_id FROM gmail_connections WHERE id = @connection AND status = 'active' FOR KEY SHARE
        ), sync AS (
            INSERT INTO gmail_syncs (id, connection_id, user_id, kind, cause, state, days_back, created_at, stage, listed, total, processed,
                ignored, failed, drafts_created, drafts_updated, pre_alerts, model_calls)
            SELECT @id, box.id, box.user_id, @kind, @cause, 'queued', @days, statement_timestamp(), 0, false, 0, 0, 0, 0, 0, 0, 0, 0
                FROM box
            ON CONFLICT (connection_id, kind) WHERE state = 'queued' DO NOTHING
            RETURNING id
        )
        SELECT true, id, reliability.enter_job(@job, @tool, @class, @principal, @args, @attempts, @trace_parent, @trace_state)::text
            FROM sync
        UNION ALL
        SELECT false, s.id, NULL FROM gmail_syncs s WHERE s.connection_id = @connection AND s.kind = @kind AND s.state = 'queued'
        """;

    /// <param name="command">Creates a command, in the transaction of the caller if there is one.</param>
    /// <param name="mailbox">The id of the connected mailbox.</param>
    /// <param name="kind">What is read.</param>
    /// <param name="cause">What causes it, for reports.</param>
    /// <param name="daysBack">Days that a full sync goes back.</param>
    /// <param name="maxAttempts">Attempts of the job.</param>
    /// <param name="now">The present time.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>The sync, and whether it is new; null when the mailbox is not connected or needs a new consent.</returns>
    public static async Task<(Guid Id, bool IsNew)?> EnterAsync(
        Func<string, NpgsqlCommand> command, Guid mailbox, GmailSyncKind kind, string cause, int daysBack, int maxAttempts,
        DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (sync, job) = (Guid.CreateVersion7(now), Guid.CreateVersion7(now));
        var entry = new JobEntry(
            job, QueuedWork.MailSync.Lane, $"gmail:{mailbox:D}",
            JsonSerializer.Serialize(new() { Sync = sync }, MailSyncJson.Default.MailSyncJob), maxAttempts);

        // A sync that was queued when the statement began may have started since. Then the next attempt enqueues one.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            await using var entering = command(Enter);
            foreach (var parameter in entry.Parameters)
            {
                if (parameter.ParameterName is not "id")
                {
                    entering.Parameters.Add(parameter);
                }
            }

            entering.Parameters.AddRange(new NpgsqlParameter[]
            {
                new("id", sync), new("job", job), new("connection", mailbox), new("kind", NameOf(kind)), new("cause", cause),
                new("days", daysBack),
            });
            await using var reader = await entering.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                return (reader.GetGuid(1), reader.GetBoolean(0));
            }
        }

        return null;
    }

    /// <summary>The kind in the database.</summary>
    public static string NameOf(GmailSyncKind kind) => kind switch
    {
        GmailSyncKind.Incremental => "incremental",
        GmailSyncKind.Full => "full",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}

/// <summary>What a sync reads.</summary>
public enum GmailSyncKind
{
    /// <summary>What was added since the last sync.</summary>
    Incremental,

    /// <summary>The mails of some days.</summary>
    Full,
}
