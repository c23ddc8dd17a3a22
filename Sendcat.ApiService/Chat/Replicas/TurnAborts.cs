using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Aborts a thread's turn on whichever replica it runs. The caller must have checked that the principal owns the thread: a stream id alone
/// authorizes nothing.
/// </summary>
internal sealed class TurnAborts(LiveTurns turns, TurnDirectory directory, TurnSignals signals, RequestDatabase database, TimeProvider time)
{
    private const int MaxAttempts = 3;

    /// <summary>
    /// Wait for the first commit of a turn that has just started on another replica; see the start delay of <see cref="TurnJournal"/>.
    /// </summary>
    private static readonly TimeSpan FirstCommitDelay = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan MaxEndWait = TimeSpan.FromSeconds(2);

    // Aborts the named stream if it runs; else the turn that writes the message or wrote it in an earlier step: the last turn that started
    // before the message. A turn that has ended stays unchanged.
    private const string Abort = """
        -- abort turn
        WITH thread AS (
          SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        ), message AS (
          SELECT m.id, m.role, m.created_at FROM thread JOIN messages m ON m.thread_id = thread.id WHERE m.id = $2
        ), turn AS (
          SELECT s.id FROM stream_sessions s CROSS JOIN message m
          WHERE s.thread_id = $1 AND ((s.id = $3 AND s.status = 'streaming') OR s.message_id = m.id OR (m.role = 'assistant' AND s.started_at <= m.created_at))
          ORDER BY (s.id = $3 AND s.status = 'streaming') IS TRUE DESC, s.message_id = m.id DESC, s.started_at DESC LIMIT 1
        ), session AS (
          UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM turn WHERE s.id = turn.id AND s.status = 'streaming'
          RETURNING s.id, s.message_id
        ), stopped AS (
          UPDATE messages m SET status = 'aborted'
          WHERE m.thread_id = $1 AND m.status = 'streaming' AND m.id = coalesce((SELECT message_id FROM session), $2)
        )
        SELECT EXISTS (SELECT FROM message), (SELECT id FROM session)
        """;

    // A message with the status streaming becomes aborted, also if no running turn is persisted for it.
    private const string AbortLatest = """
        -- abort latest turn
        WITH thread AS (
          SELECT id FROM threads WHERE id = $1 FOR NO KEY UPDATE
        ), session AS (
          UPDATE stream_sessions s SET status = 'aborted', ended_at = clock_timestamp() FROM thread
          WHERE s.thread_id = thread.id AND s.status = 'streaming'
            AND s.id = (SELECT id FROM stream_sessions WHERE thread_id = $1 AND status = 'streaming' ORDER BY started_at DESC LIMIT 1)
          RETURNING s.id, s.message_id
        ), stopped AS (
          UPDATE messages m SET status = 'aborted'
          WHERE m.status = 'streaming' AND m.id = coalesce(
            (SELECT message_id FROM session), (SELECT id FROM messages WHERE thread_id = $1 AND status = 'streaming' ORDER BY seq DESC LIMIT 1))
        )
        SELECT id FROM session
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
        var current = turns.ByThread(threadId);
        if (named?.Record.HasAssistantMessage(message) == true || current?.Record.HasAssistantMessage(message) == true)
        {
            // The client may name a message of an earlier step: each step starts a new message. The whole turn is aborted.
            await StopAsync((named ?? current)!.Start.StreamId, cancellationToken);
            return null;
        }

        var location = await directory.FindAsync(threadId);
        for (var attempt = 1; ; attempt++)
        {
            // Postgres before the signal: if the signal is lost, the replica that runs the turn finds the status with its next commit.
            var (messageExists, sessionId) = await MarkAbortedAsync(threadId, message, stream, cancellationToken);
            if (messageExists)
            {
                if (sessionId is { } aborted)
                {
                    await StopAsync(aborted, cancellationToken);
                }

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
            await Task.Delay(FirstCommitDelay, time, cancellationToken);
        }
    }

    /// <summary>Aborts the thread's newest turn, for a client that does not know a message of it yet. No effect if no turn runs.</summary>
    /// <exception cref="NpgsqlException">Postgres failed or is unavailable.</exception>
    public async Task AbortLatestAsync(Guid threadId, CancellationToken cancellationToken)
    {
        if (turns.ByThread(threadId) is { } local)
        {
            await StopAsync(local.Start.StreamId, cancellationToken);
            return;
        }

        var location = await directory.FindAsync(threadId);
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(AbortLatest);
        command.Parameters.Add(new() { Value = threadId });
        var sessionId = await command.ExecuteScalarAsync(CancellationToken.None) as Guid?;
        foreach (var running in new[] { location?.StreamId, sessionId }.OfType<Guid>().Distinct())
        {
            await StopAsync(running, cancellationToken);
        }
    }

    private async Task StopAsync(Guid streamId, CancellationToken cancellationToken)
    {
        if (turns.ByStream(streamId) is not { } local)
        {
            await signals.AbortAsync(streamId);
            return;
        }

        local.End(TurnEnding.UserAbort);
        await local.Ended.WaitAsync(MaxEndWait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
