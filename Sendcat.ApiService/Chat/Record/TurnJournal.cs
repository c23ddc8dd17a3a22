using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Threads.Events;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Writes the changes of running turns to Postgres, many turns in one transaction (group commit): changes made during a commit go into the
/// next one. Text is persisted within a second, the start of a turn within 50 ms, a step and the end of a turn within milliseconds. While
/// Postgres is unavailable nothing is dropped: the changes stay in memory and are retried with backoff, from 5 ms up to 2 s.
/// </summary>
internal sealed class TurnJournal(
    NpgsqlDataSource database, ReplicaId replica, ThreadSignals threads, IOptionsMonitor<ChatOptions> options, TimeProvider time,
    StoreOutages outages, ILogger<TurnJournal> logger) : BackgroundService
{
    private const int MaxTurnsPerCommit = 500;

    // Shorter intervals would cost more in commits than they save in latency.
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(5);

    // The first write of a turn waits, so that it does not compete with the first token for the CPU, and so that turns that start together
    // share a commit.
    private static readonly TimeSpan StartDelay = TimeSpan.FromMilliseconds(50);
    private static readonly Backoff RetryPauses = new(2 * MinimumInterval, TimeSpan.FromSeconds(2));

    private readonly ConcurrentDictionary<TurnRecord, byte> _urgent = [];
    private readonly DelayedRecords _started = new(time);
    private readonly DelayedRecords _growing = new(time);
    private readonly AutoResetSignal _work = new(time);
    private readonly WorkOutage _outage = new("Turn journal", outages.Postgres, logger, time);

    /// <summary>
    /// Writes with the next commit, without a delay: for a step, the end of a turn, or a user's message. Await
    /// <see cref="TurnRecord.WrittenAsync"/> to know that it is committed.
    /// </summary>
    public void WriteNow(TurnRecord record)
    {
        _urgent.TryAdd(record, 0);
        _work.Set();
    }

    /// <summary>Writes within 50 ms, together with other changes: for the start of a turn, whose commit nothing waits for.</summary>
    public void WriteSoon(TurnRecord record)
    {
        if (_started.Add(record))
        {
            _work.Set();
        }
    }

    /// <summary>Writes with the next checkpoint, within <see cref="ChatOptions.CheckpointMs"/>: for streamed text.</summary>
    public void WriteLater(TurnRecord record) => _growing.Add(record);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested || !_urgent.IsEmpty)
        {
            var checkpointInterval = TimeSpan.FromMilliseconds(options.CurrentValue.CheckpointMs);
            if (_urgent.IsEmpty
                && Soonest(_started.Remaining(StartDelay), _growing.Remaining(checkpointInterval), checkpointInterval) is var wait
                    && wait > TimeSpan.Zero)
            {
                await WaitForWorkAsync(wait, stoppingToken);
            }

            _started.MoveWhenDue(StartDelay, _urgent);
            _growing.MoveWhenDue(checkpointInterval, _urgent);
            if (_urgent.IsEmpty)
            {
                continue;
            }

            failures = await WriteAsync(stoppingToken.IsCancellationRequested) ? 0 : failures + 1;
            if (stoppingToken.IsCancellationRequested && failures > 0)
            {
                // Postgres is unavailable and the process stops. The unwritten changes are lost; the reaper of another replica closes the
                // turns whose sessions are persisted.
                return;
            }

            await Task.Delay(failures == 0 ? MinimumInterval : RetryPauses.After(failures), time, CancellationToken.None);
        }
    }

    private static TimeSpan Soonest(TimeSpan one, TimeSpan other, TimeSpan latest) =>
        one < other ? (one < latest ? one : latest) : (other < latest ? other : latest);

    private async Task WaitForWorkAsync(TimeSpan maxWait, CancellationToken stopping)
    {
        try
        {
            await _work.WaitAsync(maxWait, stopping);
        }
        catch (OperationCanceledException)
        {
            // The host stops: the loop writes what is left.
        }
    }

    /// <returns>False if Postgres is unavailable; the changes are kept for the next attempt.</returns>
    private async Task<bool> WriteAsync(bool lastAttempt)
    {
        var records = _urgent.Keys.Take(lastAttempt ? int.MaxValue : MaxTurnsPerCommit).ToArray();
        if (records.Length == 0)
        {
            return true;
        }

        foreach (var record in records)
        {
            _urgent.TryRemove(record, out _);
        }

        return await WriteAsync(records);
    }

    private async Task<bool> WriteAsync(TurnRecord[] records)
    {
        try
        {
            await CommitAsync(records);
            _outage.Ends();
            return true;
        }
        catch (Exception failure) when (IsTransient(failure))
        {
            if (_outage.Begins(failure))
            {
                logger.JournalRetries(records.Length, failure.GetType().Name);
            }

            foreach (var record in records)
            {
                _urgent.TryAdd(record, 0);
            }

            return false;
        }
        catch (Exception rejection) when (records is [var rejected])
        {
            Reject(rejected, rejection);
            return true;
        }
        catch (Exception)
        {
            // One record that Postgres rejects permanently, for whatever reason, must not block the others: write them one by one.
            var available = true;
            foreach (var record in records)
            {
                available = available && await WriteAsync([record]);
                if (!available)
                {
                    _urgent.TryAdd(record, 0);
                }
            }

            return available;
        }
    }

    private async Task CommitAsync(TurnRecord[] records)
    {
        using var span = SharedWork.Start("commit turn journal", records.Select(record => record.Span));
        var changes = Array.ConvertAll(records, record => record.Changes());
        foreach (var closed in await TurnJournalCommit.WriteAsync(database, replica.Value, changes, time.GetUtcNow()))
        {
            NotifyClosedElsewhere(closed.Key, closed.Value);
        }

        foreach (var change in changes)
        {
            change.Record.MarkWritten(change);
            if (change.Touches || change.Messages.Any(message => message.IsNew))
            {
                threads.Changed(change.Session.ThreadId);
            }
        }
    }

    /// <summary>
    /// Ends the turn and writes only its <c>error</c> status, so that no row of it stays <c>streaming</c>. If Postgres rejects that as
    /// well, nothing more is written.
    /// </summary>
    private void Reject(TurnRecord record, Exception rejection)
    {
        logger.JournalRejected(record.StreamId, rejection is PostgresException postgres ? postgres.SqlState : rejection.GetType().Name);
        if (record.TryReduceToError(time.GetUtcNow()))
        {
            _urgent.TryAdd(record, 0);
            NotifyClosedElsewhere(record, MessageStatus.Error);
        }
        else
        {
            record.MarkWritten(record.Changes());
        }
    }

    private void NotifyClosedElsewhere(TurnRecord record, string? status)
    {
        try
        {
            record.ClosedElsewhere?.Invoke(status);
        }
        catch (Exception unexpected)
        {
            // An exception in the callback of one turn must not stop the commits of the others.
            logger.TurnFailedUnexpectedly(record.StreamId, unexpected);
        }
    }

    /// <summary>The failure is not caused by the rows: a retry of the same rows may succeed.</summary>
    private static bool IsTransient(Exception failure) =>
        // Foreign key violation: the message or thread was deleted at the same moment, and a retry leaves out what belongs to it.
        PostgresFailure.IsUnavailable(failure)
            || failure is OperationCanceledException or PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <summary>Records whose write is delayed. The delay starts when the first record is added and then holds for all of them.</summary>
    private sealed class DelayedRecords(TimeProvider time)
    {
        private readonly ConcurrentDictionary<TurnRecord, byte> _records = [];

        /// <summary>Timestamp of the first record; 0 while there is none.</summary>
        private long _since;

        /// <returns>True for the first record, which starts the delay.</returns>
        public bool Add(TurnRecord record) =>
            _records.TryAdd(record, 0) && Interlocked.CompareExchange(ref _since, time.GetTimestamp(), 0) == 0;

        /// <returns>The rest of the delay; <see cref="TimeSpan.MaxValue"/> while there is no record.</returns>
        public TimeSpan Remaining(TimeSpan delay) =>
            Volatile.Read(ref _since) is > 0 and var first ? delay - time.GetElapsedTime(first) : TimeSpan.MaxValue;

        public void MoveWhenDue(TimeSpan delay, ConcurrentDictionary<TurnRecord, byte> urgent)
        {
            if (Remaining(delay) > TimeSpan.Zero)
            {
                return;
            }

            // This order closes a race: a record added after this line starts a new delay, a record added before it is found by the loop.
            Volatile.Write(ref _since, 0);
            foreach (var (record, _) in _records)
            {
                // Added to urgent before it is removed here, so that the record is in one of the two sets at every moment.
                urgent.TryAdd(record, 0);
                _records.TryRemove(record, out _);
            }
        }
    }
}
