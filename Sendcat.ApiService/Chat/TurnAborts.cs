using Npgsql;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat;

/// <summary>Stops a thread's turn wherever it runs. The caller may speak for the thread; a stream id alone opens nothing.</summary>
internal sealed class TurnAborts(LiveTurns turns, TurnDirectory directory, TurnSignals signals, NpgsqlDataSource database, TimeProvider time)
{
    private const int LooksForAYoungMessage = 3;

    private static readonly TimeSpan BeginningTakes = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    // The turn named, if it runs; else the one that writes the message, or wrote it some steps ago: the last that began before it. One that is over stays as it is.
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

    // A message that says it is being written stops saying so, also where no turn is on record for it.
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

    /// <summary>Stops the turn that a message is of.</summary>
    /// <returns>Null when it is done, else why not.</returns>
    public async Task<ApiError?> AbortAsync(Guid threadId, string messageId, string? streamId, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(messageId, "D", out var message))
        {
            return NoSuchMessage();
        }

        Guid? stream = StreamIds.TryParse(streamId, out var parsed) ? parsed : null;
        var named = stream is { } id && turns.ByStream(id) is { } one && one.Start.ThreadId == threadId ? one : null;
        var current = turns.ByThread(threadId);
        if (named?.Record.Holds(message) == true || current?.Record.Holds(message) == true)
        {
            // The stream's current message wins over the one named: steps open new ones.
            await StopAsync((named ?? current)!.Start.StreamId, cancellationToken);
            return null;
        }

        var place = await directory.FindAsync(threadId);
        for (var look = 1; ; look++)
        {
            // On record first: the owner finds it there with its next write, should the signal be lost.
            var (known, onRecord) = await MarkAsync(threadId, message, stream, cancellationToken);
            if (known)
            {
                if (onRecord is { } found)
                {
                    await StopAsync(found, cancellationToken);
                }

                if (place is not null && place.StreamId == stream && place.StreamId != onRecord)
                {
                    await StopAsync(place.StreamId, cancellationToken);
                }

                return null;
            }

            if (place is null || directory.IsHere(place) || look == LooksForAYoungMessage)
            {
                return NoSuchMessage();
            }

            // The turn on the other replica may be so young that its message is not on record yet.
            await Task.Delay(BeginningTakes, time, cancellationToken);
        }
    }

    /// <summary>Stops the thread's newest turn, for a client that knows no message of it yet; where nothing runs there is nothing to do.</summary>
    public async Task AbortLatestAsync(Guid threadId, CancellationToken cancellationToken)
    {
        if (turns.ByThread(threadId) is { } here)
        {
            await StopAsync(here.Start.StreamId, cancellationToken);
            return;
        }

        var place = await directory.FindAsync(threadId);
        await using var command = database.CreateCommand(AbortLatest);
        command.Parameters.Add(new() { Value = threadId });
        var onRecord = await command.ExecuteScalarAsync(cancellationToken) as Guid?;
        foreach (var running in new[] { place?.StreamId, onRecord }.OfType<Guid>().Distinct())
        {
            await StopAsync(running, cancellationToken);
        }
    }

    private async Task StopAsync(Guid streamId, CancellationToken cancellationToken)
    {
        if (turns.ByStream(streamId) is not { } here)
        {
            await signals.AbortAsync(streamId);
            return;
        }

        here.End(TurnEnding.UserAbort);
        await here.Ended.WaitAsync(LongestWait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<(bool Known, Guid? OnRecord)> MarkAsync(Guid threadId, Guid message, Guid? stream, CancellationToken cancellationToken)
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
