using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Writes what running turns leave behind, many turns to one transaction: whatever changed while the last commit was under way goes into the next. Text is on record
/// within a second, the beginning and the end of a turn within milliseconds. While Postgres is away nothing is dropped: the changes wait in memory and are written when it is back.
/// </summary>
internal sealed class TurnJournal(NpgsqlDataSource database, ReplicaId replica, IOptionsMonitor<ChatOptions> options, TimeProvider time, ILogger<TurnJournal> logger) : BackgroundService
{
    private const int TurnsPerCommit = 500;

    // Commits closer together than this would cost more than they save.
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(5);

    // A beginning does not compete with its turn's first token for the processor, and many begin together.
    private static readonly TimeSpan StartDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaximumBackoff = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<TurnRecord, byte> urgent = [];
    private readonly DelayedRecords begun = new(time);
    private readonly DelayedRecords growing = new(time);
    private readonly SemaphoreSlim work = new(0, 1);

    /// <summary>Writes at once, for a step, an end, or a user's message that came with its turn. Await <see cref="TurnRecord.WrittenAsync"/> to know it is committed.</summary>
    public void WriteNow(TurnRecord record)
    {
        urgent.TryAdd(record, 0);
        SignalWork();
    }

    /// <summary>Writes within 50 ms together with what else there is, for a beginning that nobody waits for.</summary>
    public void WriteSoon(TurnRecord record)
    {
        if (begun.Add(record))
        {
            SignalWork();
        }
    }

    /// <summary>Writes with the next checkpoint.</summary>
    public void WriteLater(TurnRecord record) => growing.Add(record);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = MinimumInterval;
        while (!stoppingToken.IsCancellationRequested || !urgent.IsEmpty)
        {
            var rhythm = TimeSpan.FromMilliseconds(options.CurrentValue.CheckpointMs);
            if (urgent.IsEmpty && Soonest(begun.Left(StartDelay), growing.Left(rhythm), rhythm) is var wait && wait > TimeSpan.Zero)
            {
                await WaitForWorkAsync(wait, stoppingToken);
            }

            begun.MoveWhenDue(StartDelay, urgent);
            growing.MoveWhenDue(rhythm, urgent);
            if (urgent.IsEmpty)
            {
                continue;
            }

            pause = await WriteAsync(stoppingToken.IsCancellationRequested) ? MinimumInterval : pause * 2 < MaximumBackoff ? pause * 2 : MaximumBackoff;
            if (stoppingToken.IsCancellationRequested && pause > MinimumInterval)
            {
                // Postgres is away and the process ends: what is unwritten is found by the reaper of another replica.
                return;
            }

            await Task.Delay(pause, time, CancellationToken.None);
        }
    }

    private static TimeSpan Soonest(TimeSpan one, TimeSpan other, TimeSpan latest) =>
        one < other ? (one < latest ? one : latest) : (other < latest ? other : latest);

    private async Task WaitForWorkAsync(TimeSpan atMost, CancellationToken stopping)
    {
        try
        {
            await work.WaitAsync(atMost, stopping);
        }
        catch (OperationCanceledException)
        {
            // The host stops: the loop writes what is left.
        }
    }

    /// <returns>False if the database did not take it; everything is kept for the next try.</returns>
    private async Task<bool> WriteAsync(bool lastChance)
    {
        var records = urgent.Keys.Take(lastChance ? int.MaxValue : TurnsPerCommit).ToArray();
        if (records.Length == 0)
        {
            return true;
        }

        foreach (var record in records)
        {
            urgent.TryRemove(record, out _);
        }

        return await WriteAsync(records);
    }

    private async Task<bool> WriteAsync(TurnRecord[] records)
    {
        try
        {
            await CommitAsync(records);
            return true;
        }
        catch (Exception failure) when (IsAway(failure))
        {
            logger.JournalWaits(records.Length, failure.GetType().Name);
            foreach (var record in records)
            {
                urgent.TryAdd(record, 0);
            }

            return false;
        }
        catch (Exception refused) when (records is [var poisonous])
        {
            GiveUp(poisonous, refused);
            return true;
        }
        catch (Exception)
        {
            // A record that will never be taken, whatever the reason, must not hold up the others.
            var there = true;
            foreach (var record in records)
            {
                there = there && await WriteAsync([record]);
                if (!there)
                {
                    urgent.TryAdd(record, 0);
                }
            }

            return there;
        }
    }

    private async Task CommitAsync(TurnRecord[] records)
    {
        using var span = SharedWork.Start("commit turn journal", records.Select(record => record.Span));
        var changes = Array.ConvertAll(records, record => record.Changes());
        foreach (var overruled in await TurnJournalCommit.WriteAsync(database, replica.Value, changes, time.GetUtcNow()))
        {
            Overrule(overruled.Key, overruled.Value);
        }

        foreach (var change in changes)
        {
            change.Record.Wrote(change);
        }
    }

    /// <summary>Ends the turn, and writes of it only that it failed, so that nothing of it stays <c>streaming</c>. If not even that is taken, nothing is.</summary>
    private void GiveUp(TurnRecord record, Exception refused)
    {
        logger.JournalRefused(record.StreamId, refused is PostgresException postgres ? postgres.SqlState : refused.GetType().Name);
        if (record.Refuse(time.GetUtcNow()))
        {
            urgent.TryAdd(record, 0);
            Overrule(record, null);
        }
        else
        {
            record.Wrote(record.Changes());
        }
    }

    private void Overrule(TurnRecord record, string? status)
    {
        try
        {
            record.Overruled?.Invoke(status);
        }
        catch (Exception surprise)
        {
            // What one turn does with the news is no matter of the others.
            logger.TurnBroke(record.StreamId, surprise);
        }
    }

    /// <summary>It is not about the records: the same may be taken later.</summary>
    private static bool IsAway(Exception failure) => failure is PostgresException refused
        // Class 57 is the server shutting down or starting up, 53 its lack of resources: it will come back.
        ? refused.IsTransient || refused.SqlState.StartsWith("57", StringComparison.Ordinal) || refused.SqlState.StartsWith("53", StringComparison.Ordinal)
        : failure is NpgsqlException or TimeoutException or OperationCanceledException;

    private void SignalWork()
    {
        try
        {
            work.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody nudged already.
        }
    }

    /// <summary>Records that can wait: each at most as long as the first of them may.</summary>
    private sealed class DelayedRecords(TimeProvider time)
    {
        private readonly ConcurrentDictionary<TurnRecord, byte> records = [];
        private long since;

        /// <returns>True for the first, which sets the time.</returns>
        public bool Add(TurnRecord record) => records.TryAdd(record, 0) && Interlocked.CompareExchange(ref since, time.GetTimestamp(), 0) == 0;

        public TimeSpan Left(TimeSpan atMost) => Volatile.Read(ref since) is > 0 and var first ? atMost - time.GetElapsedTime(first) : TimeSpan.MaxValue;

        public void MoveWhenDue(TimeSpan atMost, ConcurrentDictionary<TurnRecord, byte> urgent)
        {
            if (Left(atMost) > TimeSpan.Zero)
            {
                return;
            }

            // In this order: whoever is added from here on sets the time anew, whoever was added before is found below.
            Volatile.Write(ref since, 0);
            foreach (var (record, _) in records)
            {
                // Named urgent first, so that there is no moment in which nobody would write it.
                urgent.TryAdd(record, 0);
                records.TryRemove(record, out _);
            }
        }
    }
}
