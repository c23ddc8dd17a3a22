using Npgsql;
using NpgsqlTypes;
using Sendcat.Integrations.Orders;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>
/// Syncs of mailboxes and their messages in Postgres. A write names the fencing token of its mailbox, so that a sync whose lease has passed
/// to another one changes nothing: it throws <see cref="LeaseLostException"/>.
/// </summary>
internal sealed class SyncRows(NpgsqlDataSource database)
{
    private const string Fence = "id FROM gmail_connections WHERE id = @mailbox AND sync_token = @token FOR SHARE";

    /// <returns>Null: the mailbox was disconnected since, and its syncs with it.</returns>
    public async Task<SyncRow?> FindAsync(Guid sync, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find gmail sync
            SELECT s.connection_id, s.kind, s.cause, s.state, s.days_back, s.stage, s.page_token, s.listed, s.history_target, s.total,
                c.status
            FROM gmail_syncs s JOIN gmail_connections c ON c.id = s.connection_id WHERE s.id = $1
            """);
        command.Parameters.Add(new() { Value = sync });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new(
                sync, reader.GetGuid(0), reader.GetString(1) == "full", reader.GetString(2), reader.GetString(3), reader.GetInt32(4),
                reader.GetBoolean(7), reader.GetString(10) == "active")
            {
                Stage = reader.GetInt32(5),
                PageToken = await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetString(6),
                HistoryTarget = await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetInt64(8),
                Total = reader.GetInt32(9),
            }
            : null;
    }

    /// <summary>Creates the row of a sync that a notification has caused, if it does not exist.</summary>
    public async Task CreateAsync(Guid sync, Guid mailbox, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- create pushed gmail sync
            INSERT INTO gmail_syncs (id, connection_id, user_id, kind, cause, state, days_back, created_at, stage, listed, total, processed,
                ignored, failed, drafts_created, drafts_updated, pre_alerts, model_calls)
            SELECT $1, id, user_id, 'incremental', 'push', 'running', 0, statement_timestamp(), 0, false, 0, 0, 0, 0, 0, 0, 0, 0
                FROM gmail_connections WHERE id = $2
            ON CONFLICT (id) DO NOTHING
            """);
        command.Parameters.Add(new() { Value = sync });
        command.Parameters.Add(new() { Value = mailbox });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public Task StartAsync(SyncRow sync, long token, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- start gmail sync
        UPDATE gmail_syncs SET state = 'running', started_at = coalesce(started_at, statement_timestamp()), ended_at = NULL, error = NULL
        WHERE id = @sync AND EXISTS (SELECT {Fence}) RETURNING true
        """,
        sync, token, cancellationToken);

    /// <summary>
    /// Stores a page of listed messages, and where the listing goes on. A message that is known is not listed again, unless it was ignored
    /// and is restored.
    /// </summary>
    /// <returns>The number of new messages.</returns>
    public async Task<int> ListAsync(
        SyncRow sync, long token, IReadOnlyList<string> ids, ListingPosition next, CancellationToken cancellationToken)
    {
        await using var command = Command(
            $"""
            -- list gmail messages
            WITH fence AS MATERIALIZED (SELECT {Fence}), listed AS (
                INSERT INTO gmail_messages AS known (connection_id, message_id, sync_id, state, attempts, available_at, listed_at)
                SELECT DISTINCT @mailbox, id, @sync, 'pending', 0, statement_timestamp(), statement_timestamp()
                    FROM unnest(@ids || @restored) AS page(id) WHERE EXISTS (SELECT FROM fence)
                ON CONFLICT (connection_id, message_id) DO UPDATE SET sync_id = excluded.sync_id, state = 'pending', attempts = 0,
                    available_at = excluded.available_at, listed_at = excluded.listed_at, settled_at = NULL
                    WHERE known.state = 'ignored' AND known.message_id = ANY(@restored)
                RETURNING message_id
            ), counted AS (
                SELECT count(*)::int AS added FROM listed
            ), moved AS (
                UPDATE gmail_connections SET history_id = greatest(history_id, @history) WHERE id = @mailbox AND @history IS NOT NULL
                    AND EXISTS (SELECT FROM fence)
            )
            UPDATE gmail_syncs SET stage = @stage, page_token = @page, listed = @listed, history_target = coalesce(@target, history_target),
                total = total + counted.added
            FROM counted WHERE id = @sync AND EXISTS (SELECT FROM fence) RETURNING counted.added
            """,
            sync, token);
        command.Parameters.Add(new("ids", ids.ToArray()));
        command.Parameters.Add(new("restored", next.Restored.ToArray()));
        command.Parameters.Add(new("stage", next.Stage));
        command.Parameters.Add(new("page", NpgsqlDbType.Text) { Value = (object?)next.PageToken ?? DBNull.Value });
        command.Parameters.Add(new("listed", next.IsEnd));
        command.Parameters.Add(new("target", NpgsqlDbType.Bigint) { Value = (object?)next.Target ?? DBNull.Value });
        command.Parameters.Add(new("history", NpgsqlDbType.Bigint) { Value = (object?)next.Cursor ?? DBNull.Value });
        return await command.ExecuteScalarAsync(cancellationToken) is int added ? added : throw new LeaseLostException();
    }

    /// <summary>Makes an incremental sync a full one, because the history does not go back to the cursor.</summary>
    public Task RecoverAsync(SyncRow sync, long token, int daysBack, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- recover gmail history
        UPDATE gmail_syncs SET kind = 'full', days_back = @days, stage = 0, page_token = NULL, history_target = NULL, listed = false
        WHERE id = @sync AND EXISTS (SELECT {Fence}) RETURNING true
        """,
        sync, token, cancellationToken, new NpgsqlParameter("days", daysBack));

    /// <summary>
    /// Takes over the messages that ended syncs have left, and counts them. A sync whose job has used up its attempts ends here.
    /// </summary>
    public Task AdoptAsync(SyncRow sync, long token, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- adopt gmail messages
        WITH fence AS MATERIALIZED (SELECT {Fence}), abandoned AS (
            UPDATE gmail_syncs s SET state = 'failed', error = 'gave_up', ended_at = statement_timestamp()
            WHERE s.connection_id = @mailbox AND s.id <> @sync AND s.state IN ('queued', 'running') AND EXISTS (SELECT FROM fence)
                AND NOT EXISTS (
                    SELECT FROM reliability.tool_jobs j WHERE j.tool = 'mail_sync' AND j.status IN ('queued', 'running')
                        AND j.principal IN ('gmail:' || s.connection_id, 'gmail-push:' || s.connection_id)
                        AND position(s.id::text IN j.args) > 0)
            RETURNING s.id
        ), adopted AS (
            UPDATE gmail_messages SET sync_id = @sync
            WHERE connection_id = @mailbox AND state = 'pending' AND sync_id <> @sync AND EXISTS (SELECT FROM fence)
                AND NOT EXISTS (SELECT FROM gmail_syncs s WHERE s.id = gmail_messages.sync_id AND s.state IN ('queued', 'running')
                    AND s.id NOT IN (SELECT id FROM abandoned))
            RETURNING message_id
        )
        UPDATE gmail_syncs SET total = total + (SELECT count(*) FROM adopted)::int WHERE id = @sync AND EXISTS (SELECT FROM fence)
            RETURNING true
        """,
        sync, token, cancellationToken);

    /// <summary>The next messages to read, the oldest first.</summary>
    public async Task<IReadOnlyList<PendingMessage>> NextAsync(SyncRow sync, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- next gmail messages
            SELECT message_id, attempts, listed_at FROM gmail_messages
            WHERE sync_id = $1 AND state = 'pending' AND available_at <= statement_timestamp() ORDER BY message_id LIMIT $2
            """);
        command.Parameters.Add(new() { Value = sync.Id });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var messages = new List<PendingMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(
                new(reader.GetString(0), reader.GetInt32(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken)));
        }

        return messages;
    }

    /// <returns>The time until the next attempt; null: no message is left.</returns>
    public async Task<TimeSpan?> UntilNextAsync(SyncRow sync, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find next gmail attempt
            SELECT min(available_at) - statement_timestamp() FROM gmail_messages WHERE sync_id = $1 AND state = 'pending'
            """);
        command.Parameters.Add(new() { Value = sync.Id });
        return await command.ExecuteScalarAsync(cancellationToken) as TimeSpan?;
    }

    /// <summary>Ends the reading of a message, and counts what it has caused. A repeat changes nothing.</summary>
    public Task SettleAsync(
        SyncRow sync, long token, string message, SettledMessage settled, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- settle gmail message
        WITH fence AS MATERIALIZED (SELECT {Fence}), settled AS (
            UPDATE gmail_messages SET state = @state, settled_at = statement_timestamp(), merchant = @merchant, path = @path
            WHERE connection_id = @mailbox AND message_id = @message AND state = 'pending' AND EXISTS (SELECT FROM fence)
                RETURNING message_id
        ), counted AS (
            UPDATE gmail_syncs SET
                processed = processed + (@state = 'read')::int, ignored = ignored + (@state = 'ignored')::int,
                failed = failed + (@state = 'failed')::int,
                drafts_created = drafts_created + @created, drafts_updated = drafts_updated + @updated,
                pre_alerts = pre_alerts + @pre_alerts, model_calls = model_calls + @calls
            WHERE id = @sync AND EXISTS (SELECT FROM settled)
        )
        SELECT EXISTS (SELECT FROM fence)
        """,
        sync, token, cancellationToken,
        new("message", message), new("state", settled.State),
        new NpgsqlParameter("merchant", NpgsqlDbType.Text) { Value = (object?)settled.Merchant ?? DBNull.Value },
        new NpgsqlParameter("path", NpgsqlDbType.Text) { Value = (object?)settled.Path ?? DBNull.Value },
        new("created", settled.Intake?.DraftsCreated ?? 0), new("updated", settled.Intake?.DraftsUpdated ?? 0),
        new("pre_alerts", settled.Intake?.PreAlerts ?? 0),
        new("calls", settled.ModelCalls));

    /// <summary>Tries a message again later.</summary>
    public Task DeferAsync(SyncRow sync, long token, string message, TimeSpan delay, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- defer gmail message
        UPDATE gmail_messages SET attempts = attempts + 1, available_at = statement_timestamp() + @delay
        WHERE connection_id = @mailbox AND message_id = @message AND state = 'pending' AND EXISTS (SELECT {Fence})
            RETURNING @sync IS NOT NULL
        """,
        sync, token, cancellationToken, new("message", message), new("delay", delay));

    /// <param name="sync">The sync.</param>
    /// <param name="token">The fencing token.</param>
    /// <param name="error">Why it failed; null: it is completed.</param>
    /// <param name="hasRead">False: it read nothing, so the time of the last sync stays, to which a gap in the history goes back.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public Task EndAsync(SyncRow sync, long token, string? error, bool hasRead, CancellationToken cancellationToken) => WriteAsync(
        $"""
        -- end gmail sync
        WITH fence AS MATERIALIZED (SELECT {Fence}), read AS (
            UPDATE gmail_connections SET last_sync_at = statement_timestamp() WHERE @error IS NULL AND @read AND id IN (SELECT id FROM fence)
        )
        UPDATE gmail_syncs SET state = CASE WHEN @error IS NULL THEN 'completed' ELSE 'failed' END, error = @error, listed = listed
            OR @error IS NULL, ended_at = statement_timestamp()
        WHERE id = @sync AND EXISTS (SELECT FROM fence) RETURNING true
        """,
        sync, token, cancellationToken, new("read", hasRead),
        new NpgsqlParameter("error", NpgsqlDbType.Text) { Value = (object?)error ?? DBNull.Value });

    /// <summary>Ends a sync of a mailbox that cannot be read: there is no lease to write under.</summary>
    public async Task RefuseAsync(Guid sync, string error, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- refuse gmail sync
            UPDATE gmail_syncs SET state = 'failed', error = $2, ended_at = statement_timestamp() WHERE id = $1 AND state <> 'completed'
            """);
        command.Parameters.Add(new() { Value = sync });
        command.Parameters.Add(new() { Value = error });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql, SyncRow sync, long token)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.AddRange(new NpgsqlParameter[] { new("sync", sync.Id), new("mailbox", sync.Mailbox), new("token", token) });
        return command;
    }

    private async Task WriteAsync(
        string sql, SyncRow sync, long token, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = Command(sql, sync, token);
        command.Parameters.AddRange(parameters);
        if (await command.ExecuteScalarAsync(cancellationToken) is not true)
        {
            throw new LeaseLostException();
        }
    }
}

/// <summary>The mailbox was taken over by another sync, or disconnected.</summary>
internal sealed class LeaseLostException : Exception;

/// <summary>A sync and how far it is.</summary>
/// <param name="Mailbox">The id of the connected mailbox.</param>
/// <param name="IsFull">True: it reads the mails of some days; false: what was added since the last sync.</param>
/// <param name="Cause"><c>connect</c>, <c>push</c>, <c>user</c> or <c>schedule</c>.</param>
/// <param name="State"><c>queued</c>, <c>running</c>, <c>completed</c> or <c>failed</c>.</param>
/// <param name="Listed">Whether all messages are listed.</param>
/// <param name="IsActive">False: Google accepts the consent of the mailbox no longer.</param>
internal sealed record SyncRow(Guid Id, Guid Mailbox, bool IsFull, string Cause, string State, int DaysBack, bool Listed, bool IsActive)
{
    public int Stage { get; init; }

    public string? PageToken { get; init; }

    public long? HistoryTarget { get; init; }

    public int Total { get; init; }

    /// <summary>
    /// A full sync because the history has a gap: it lists every mail of its days, and then moves the cursor over the gap.
    /// </summary>
    public bool ClosesGap => IsFull && FollowsHistory;

    /// <summary>It moves the cursor of the mailbox. When it runs again it lists what was added since.</summary>
    public bool FollowsHistory => Cause is "push" or "schedule";
}

/// <summary>Where the listing of a sync goes on.</summary>
/// <param name="Stage">The search, from 0.</param>
/// <param name="PageToken">The page; null: the first of the search.</param>
internal sealed record ListingPosition(int Stage, string? PageToken)
{
    /// <summary>Messages of the page that were moved into the inbox.</summary>
    public IReadOnlyList<string> Restored { get; init; } = [];

    /// <summary>Everything is listed.</summary>
    public bool IsEnd { get; init; }

    /// <summary>The history id when the listing began; null: unchanged.</summary>
    public long? Target { get; init; }

    /// <summary>The history id up to which everything is listed now; null: the cursor stays.</summary>
    public long? Cursor { get; init; }
}

/// <param name="Attempts">Attempts so far.</param>
internal sealed record PendingMessage(string Id, int Attempts, DateTimeOffset ListedAt);

/// <summary>The end of the reading of one message.</summary>
/// <param name="State"><c>read</c>, <c>ignored</c> or <c>failed</c>.</param>
internal sealed record SettledMessage(string State)
{
    public static readonly SettledMessage Ignored = new("ignored");

    public static readonly SettledMessage Failed = new("failed");

    /// <summary>The known merchant whose own mail it is.</summary>
    public string? Merchant { get; init; }

    /// <summary>How its orders were found; null: it is about no order.</summary>
    public string? Path { get; init; }

    public IntakeResult? Intake { get; init; }

    public int ModelCalls { get; init; }
}
