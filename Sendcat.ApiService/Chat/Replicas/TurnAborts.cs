using Npgsql;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Aborts a thread's turn on whichever replica it runs. The caller must have checked that the principal owns the thread: a stream id alone
/// authorizes nothing.
/// </summary>
internal sealed class TurnAborts(LiveTurns turns, TurnDirectory directory, TurnSignals signals, NpgsqlDataSource database, TimeProvider time)
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
        with thread as (
          select id from threads where id = $1 for no key update
        ), message as (
          select m.id, m.role, m.created_at from thread join messages m on m.thread_id = thread.id where m.id = $2
        ), turn as (
          select s.id from stream_sessions s cross join message m
          where s.thread_id = $1 and ((s.id = $3 and s.status = 'streaming') or s.message_id = m.id or (m.role = 'assistant' and s.started_at <= m.created_at))
          order by (s.id = $3 and s.status = 'streaming') is true desc, s.message_id = m.id desc, s.started_at desc limit 1
        ), session as (
          update stream_sessions s set status = 'aborted', ended_at = clock_timestamp() from turn where s.id = turn.id and s.status = 'streaming'
          returning s.id, s.message_id
        ), stopped as (
          update messages m set status = 'aborted'
          where m.thread_id = $1 and m.status = 'streaming' and m.id = coalesce((select message_id from session), $2)
        )
        select exists (select from message), (select id from session)
        """;

    // A message with the status streaming becomes aborted, also if no running turn is persisted for it.
    private const string AbortLatest = """
        -- abort latest turn
        with thread as (
          select id from threads where id = $1 for no key update
        ), session as (
          update stream_sessions s set status = 'aborted', ended_at = clock_timestamp() from thread
          where s.thread_id = thread.id and s.status = 'streaming'
            and s.id = (select id from stream_sessions where thread_id = $1 and status = 'streaming' order by started_at desc limit 1)
          returning s.id, s.message_id
        ), stopped as (
          update messages m set status = 'aborted'
          where m.status = 'streaming' and m.id = coalesce(
            (select message_id from session), (select id from messages where thread_id = $1 and status = 'streaming' order by seq desc limit 1))
        )
        select id from session
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
        await using var command = database.CreateCommand(AbortLatest);
        command.Parameters.Add(new() { Value = threadId });
        var sessionId = await command.ExecuteScalarAsync(cancellationToken) as Guid?;
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
        await using var command = database.CreateCommand(Abort);
        command.Parameters.Add(new() { Value = threadId });
        command.Parameters.Add(new() { Value = message });
        command.Parameters.Add(new() { Value = (object?)stream ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetBoolean(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetGuid(1));
    }

    private static ApiError NoSuchMessage() => ApiError.InvalidRequest("Invalid request: messageId is not a message of this thread");
}
