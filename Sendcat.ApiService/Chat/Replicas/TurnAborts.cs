using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Ends turns of a thread on whichever replica they run. The caller must have checked that the principal owns the thread: a stream id alone
/// authorizes nothing.
/// </summary>
internal sealed class TurnAborts(
    LiveTurns turns, StartingTurns startings, TurnDirectory directory, TurnSignals signals, RequestDatabase database,
    AdmissionController admission, TimeProvider time)
{
    private const int MaxAttempts = 5;

    /// <summary>
    /// The first of the waits for the first commit of a turn that has just started on another replica, which double: 0.9 s together. See
    /// the start delay of <see cref="TurnJournal"/>.
    /// </summary>
    private static readonly TimeSpan FirstCommitDelay = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan MaxEndWait = TimeSpan.FromSeconds(2);

    // Aborts the named stream if it runs; else the turn that writes the message or wrote it in an earlier step: the last turn that started
    // before the message. A turn that has ended stays unchanged. A turn that replaces an answer has no message before its first content.
    private const string Abort = """
        -- abort turn
        WITH thread AS (
          SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        ), message AS (
          SELECT m.id, m.role, m.created_at FROM thread JOIN messages m ON m.thread_id = thread.id WHERE m.id = $2
          UNION ALL
          SELECT s.message_id, 'assistant', s.started_at FROM thread JOIN stream_sessions s ON s.thread_id = thread.id
          WHERE s.message_id = $2 AND s.status = 'streaming' AND NOT EXISTS (SELECT FROM messages m WHERE m.id = $2)
        ), turn AS (
          SELECT s.id FROM stream_sessions s CROSS JOIN message m
          WHERE s.thread_id = $1 AND ((s.id = $3 AND s.status = 'streaming') OR s.message_id = m.id
            OR (m.role = 'assistant' AND s.started_at <= m.created_at))
          ORDER BY (s.id = $3 AND s.status = 'streaming') IS TRUE DESC, s.message_id = m.id DESC, s.started_at DESC LIMIT 1
        ), session AS (
          UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM turn
            WHERE s.id = turn.id AND s.status = 'streaming'
          RETURNING s.id, s.message_id
        ), stopped AS (
          UPDATE messages m SET status = 'aborted'
          WHERE m.thread_id = $1 AND m.status = 'streaming' AND m.id = coalesce((SELECT message_id FROM session), $2)
        )
        SELECT EXISTS (SELECT FROM message), (SELECT id FROM session)
        """;

    // $2: the time of the abort. A turn that started later may have been admitted while this request waited for the end of the earlier one.
    // A message with the status streaming becomes aborted, also if no running turn is persisted for it, but none of a later turn.
    private const string AbortAll = """
        -- abort turns of thread
        WITH thread AS (
          SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        ), ended AS (
          UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM thread
            WHERE s.thread_id = thread.id AND s.status = 'streaming' AND s.started_at <= $2
          RETURNING s.message_id
        )
        UPDATE messages m SET status = 'aborted' FROM thread
          WHERE m.thread_id = thread.id AND m.status = 'streaming'
            AND (m.created_at <= $2 OR m.id IN (SELECT message_id FROM ended))
        """;

    /// <summary>Aborts the turn that a message belongs to.</summary>
    /// <param name="streamId">The turn's stream id as clients see it, if the client knows it; a malformed one is ignored.</param>
    /// <returns>Null when done or when the turn has already ended; else the error.</returns>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task<ApiError?> AbortAsync(Guid threadId, string messageId, string? streamId, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(messageId, "D", out var message))
        {
            return NoSuchMessage();
        }

        Guid? stream = StreamIds.TryParse(streamId, out var parsed) ? parsed : null;
        var named = stream is { } id && turns.ByStream(id) is { } local && local.Start.ThreadId == threadId ? local : null;
        var writer = turns.OfThread(threadId).FirstOrDefault(turn => turn.Record.HasAssistantMessage(message));
        if (writer is not null)
        {
            // The client may name a message of an earlier step: each step starts a new message. The whole turn is aborted.
            await StopAsync((named ?? writer).Start.StreamId, cancellationToken);
            return null;
        }

        TurnLocation? location = null;
        for (var attempt = 1; ; attempt++)
        {
            // Postgres before Redis: if the signal is lost, the replica that runs the turn finds the status with its next commit.
            var (messageExists, sessionId) = await MarkAbortedAsync(threadId, message, stream, cancellationToken);
            if (sessionId is { } aborted)
            {
                await StopAsync(aborted, cancellationToken);
            }

            if (messageExists && (stream is null || stream == sessionId))
            {
                return null;
            }

            location ??= await directory.FindAsync(threadId);
            if (messageExists)
            {
                if (location is not null && location.StreamId == stream && location.StreamId != sessionId)
                {
                    await StopAsync(location.StreamId, cancellationToken);
                }

                return null;
            }

            if (location is null || directory.IsLocal(location) || attempt == MaxAttempts)
            {
                return NoSuchMessage();
            }

            // The turn on the other replica may have started so recently that its message is not persisted yet.
            await Task.Delay(FirstCommitDelay * (1 << (attempt - 1)), time, cancellationToken);
        }
    }

    /// <summary>
    /// Aborts all turns of the thread, on all replicas, for a client that does not know a message of them, also those that are starting. No
    /// effect if no turn runs. Returns when the turns of this replica have ended, after 2 s at the latest; the others have been signalled.
    /// </summary>
    /// <param name="at">When the abort was received. It ends no turn whose request was received later.</param>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task AbortAllAsync(Guid threadId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        // Starting before running: a turn that begins in between is found as a running one.
        var started = WaitAsync(startings.Abort(threadId, at).Select(starting => starting.EndedAsync()), cancellationToken);
        await EndAsync(ReceivedUntil(at, turns.OfThread(threadId)), TurnEnding.UserAbort, cancellationToken);

        // Signal and statement at the same time: Postgres is only needed if the signal to other replicas is lost, and neither store delays
        // the other when it hangs.
        var signalled = signals.AbortThreadAsync(threadId, at);
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand(AbortAll);
            command.Parameters.Add(new() { Value = threadId });
            command.Parameters.Add(new() { Value = at });
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        finally
        {
            await signalled;
            await started;
        }
    }

    /// <summary>
    /// As <see cref="AbortAllAsync"/>, for a thread that did not exist when the request looked for it: its first turn may be starting.
    /// </summary>
    /// <param name="name">See <see cref="StartingTurns.NameOf"/>.</param>
    /// <param name="at">As for <see cref="AbortAllAsync"/>.</param>
    public async Task AbortNamedAsync(Guid name, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var signalled = signals.AbortNamedAsync(name, at);
        var started = WaitAsync(startings.Abort(name, at).Select(starting => starting.EndedAsync()), cancellationToken);
        await EndAsync(ReceivedUntil(at, turns.Named(name)), TurnEnding.UserAbort, cancellationToken);
        await signalled;
        await started;
    }

    /// <summary>Ends a turn whose answer a newer turn replaces, and releases its leases, so that the newer one can get them.</summary>
    /// <param name="principal">The key of the turn's principal.</param>
    public async Task ReplaceAsync(RunningTurn running, string principal, CancellationToken cancellationToken)
    {
        if (turns.ByStream(running.StreamId) is { } local)
        {
            await EndAsync([local], TurnEnding.Superseded, cancellationToken);
            return;
        }

        if (running.Replica is null)
        {
            // It ran here and has ended.
            return;
        }

        await signals.ReplaceAsync(running.StreamId);
        await admission.ReleaseAsync(principal, StreamIds.Format(running.StreamId), cancellationToken);
    }

    private static IReadOnlyList<LiveTurn> ReceivedUntil(DateTimeOffset at, IReadOnlyList<LiveTurn> running) =>
        [.. running.Where(turn => turn.ReceivedAt <= at)];

    private async Task EndAsync(IReadOnlyList<LiveTurn> running, TurnEnding ending, CancellationToken cancellationToken)
    {
        foreach (var turn in running)
        {
            turn.End(ending);
        }

        await WaitAsync(running.Select(turn => turn.Ended), cancellationToken);
    }

    private Task WaitAsync(IEnumerable<Task> ended, CancellationToken cancellationToken) =>
        WaitAsync(Task.WhenAll(ended), cancellationToken);

    private async Task WaitAsync(Task ended, CancellationToken cancellationToken) =>
        await ended.WaitAsync(MaxEndWait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task StopAsync(Guid streamId, CancellationToken cancellationToken)
    {
        if (turns.ByStream(streamId) is not { } local)
        {
            await signals.AbortAsync(streamId);
            return;
        }

        await EndAsync([local], TurnEnding.UserAbort, cancellationToken);
    }

    /// <returns>Whether the message belongs to the thread, and the stream id of the turn that was aborted, if one was running.</returns>
    private async Task<(bool MessageExists, Guid? SessionId)> MarkAbortedAsync(
        Guid threadId, Guid message, Guid? stream, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(Abort);
        command.Parameters.Add(new() { Value = threadId });
        command.Parameters.Add(new() { Value = message });
        command.Parameters.Add(new() { Value = (object?)stream ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        return (reader.GetBoolean(0), await reader.IsDBNullAsync(1, CancellationToken.None) ? null : reader.GetGuid(1));
    }

    private static ApiError NoSuchMessage() => ApiError.InvalidRequest("Invalid request: messageId is not a message of this thread");
}
