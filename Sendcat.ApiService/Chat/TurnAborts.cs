using Npgsql;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat;

/// <summary>Stops a thread's turn wherever it runs. The caller may speak for the thread; a stream id alone opens nothing.</summary>
internal sealed class TurnAborts(LiveTurns turns, TurnDirectory directory, TurnSignals signals, NpgsqlDataSource database, TimeProvider time)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private const string Abort = """
        with message as (
          select id, status from messages where id = $2 and thread_id = $1
        ), session as (
          update stream_sessions s set status = 'aborted', ended_at = clock_timestamp()
          where s.thread_id = $1 and s.status = 'streaming' and (s.message_id = $2 or s.id = $3)
          returning s.id, s.message_id
        ), stopped as (
          update messages m set status = 'aborted' where m.thread_id = $1 and m.status = 'streaming' and (m.id = $2 or m.id in (select message_id from session))
        )
        select count(*) from message
        """;

    /// <returns>Null when it is done, else why not.</returns>
    public async Task<ApiError?> AbortAsync(Guid threadId, string messageId, string? streamId, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(messageId, "D", out var message))
        {
            return NoSuchMessage();
        }

        Guid? stream = StreamIds.TryParse(streamId, out var parsed) ? parsed : null;
        if (Here(threadId, message, stream) is { } here)
        {
            // The stream's current message wins over the one named: steps open new ones.
            here.End(TurnEnding.UserAbort);
            await here.Ended.WaitAsync(LongestWait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return null;
        }

        var elsewhere = await directory.FindAsync(threadId);
        var named = elsewhere is not null && elsewhere.StreamId == stream;
        if (named)
        {
            await signals.AbortAsync(elsewhere!.StreamId);
        }

        // On record first: the owner finds it there with its next write, should the signal be lost.
        var known = await MarkAsync(threadId, message, stream, cancellationToken);
        if (known && elsewhere is not null && !named)
        {
            await signals.AbortAsync(elsewhere.StreamId);
        }

        return known || named ? null : NoSuchMessage();
    }

    private async Task<bool> MarkAsync(Guid threadId, Guid message, Guid? stream, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Abort);
        command.Parameters.Add(new() { Value = threadId });
        command.Parameters.Add(new() { Value = message });
        command.Parameters.Add(new() { Value = (object?)stream ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        return await command.ExecuteScalarAsync(cancellationToken) is > 0L;
    }

    private LiveTurn? Here(Guid threadId, Guid message, Guid? stream)
    {
        if (stream is { } id && turns.ByStream(id) is { } named)
        {
            return named.Start.ThreadId == threadId ? named : null;
        }

        return turns.ByThread(threadId) is { } current && (current.Record.Holds(message)) ? current : null;
    }

    private static ApiError NoSuchMessage() => ApiError.InvalidRequest("Invalid request: messageId is not a message of this thread");
}
