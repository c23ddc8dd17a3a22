using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Writes what running turns leave behind, many turns to one transaction: whatever changed while the last commit was under way goes into the next. Text is on record
/// within a second, the beginning and the end of a turn within milliseconds. While Postgres is away nothing is dropped: the changes wait in memory and are written when it is back.
/// </summary>
internal sealed class TurnJournal(NpgsqlDataSource database, ReplicaId replica, IOptionsMonitor<ChatOptions> options, TimeProvider time, ILogger<TurnJournal> logger) : BackgroundService
{
    private const int TurnsPerCommit = 500;

    // Commits closer together than this would cost more than they save.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(5);

    // A beginning does not compete with its turn's first token for the processor, and many begin together.
    private static readonly TimeSpan BeginningWaits = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<TurnRecord, byte> urgent = [];
    private readonly Patient begun = new(time);
    private readonly Patient growing = new(time);
    private readonly SemaphoreSlim work = new(0, 1);

    /// <summary>Writes at once, for a step, an end, or a user's message that came with its turn. Await <see cref="TurnRecord.WrittenAsync"/> to know it is committed.</summary>
    public void WriteNow(TurnRecord record)
    {
        urgent.TryAdd(record, 0);
        Nudge();
    }

    /// <summary>Writes within 50 ms together with what else there is, for a beginning that nobody waits for.</summary>
    public void WriteSoon(TurnRecord record)
    {
        if (begun.Add(record))
        {
            Nudge();
        }
    }

    /// <summary>Writes with the next checkpoint.</summary>
    public void WriteLater(TurnRecord record) => growing.Add(record);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = Breath;
        while (!stoppingToken.IsCancellationRequested || !urgent.IsEmpty)
        {
            var rhythm = TimeSpan.FromMilliseconds(options.CurrentValue.CheckpointMs);
            if (urgent.IsEmpty && Soonest(begun.Left(BeginningWaits), growing.Left(rhythm), rhythm) is var wait && wait > TimeSpan.Zero)
            {
                await WaitForWorkAsync(wait, stoppingToken);
            }

            begun.MoveWhenDue(BeginningWaits, urgent);
            growing.MoveWhenDue(rhythm, urgent);
            if (urgent.IsEmpty)
            {
                continue;
            }

            pause = await WriteAsync(stoppingToken.IsCancellationRequested) ? Breath : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            if (stoppingToken.IsCancellationRequested && pause > Breath)
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

        try
        {
            await CommitAsync(records);
            return true;
        }
        catch (PostgresException refused) when (!refused.IsTransient && !ServerLeaving(refused) && records.Length > 1)
        {
            // One row that Postgres will never take must not hold up the others.
            foreach (var record in records)
            {
                await CommitAloneAsync(record);
            }

            return true;
        }
        catch (PostgresException refused) when (!refused.IsTransient && !ServerLeaving(refused))
        {
            GiveUp(records[0], refused);
            return true;
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            logger.JournalWaits(records.Length, failure.GetType().Name);
            foreach (var record in records)
            {
                urgent.TryAdd(record, 0);
            }

            return false;
        }
    }

    private async Task CommitAsync(TurnRecord[] records)
    {
        var changes = Array.ConvertAll(records, record => record.Changes());
        foreach (var overruled in await TurnJournalCommit.WriteAsync(database, replica.Value, changes, time.GetUtcNow()))
        {
            overruled.Key.Overruled?.Invoke(overruled.Value);
        }

        foreach (var change in changes)
        {
            change.Record.Wrote(change);
        }
    }

    private async Task CommitAloneAsync(TurnRecord record)
    {
        try
        {
            await CommitAsync([record]);
        }
        catch (PostgresException refused) when (!refused.IsTransient && !ServerLeaving(refused))
        {
            GiveUp(record, refused);
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
        {
            urgent.TryAdd(record, 0);
        }
    }

    private void GiveUp(TurnRecord record, PostgresException refused)
    {
        logger.JournalRefused(record.StreamId, refused.SqlState);
        record.Overruled?.Invoke(null);
        record.Wrote(record.Changes());
    }

    // Class 57 is the server shutting down or starting up, 53 its lack of resources: it will come back.
    private static bool ServerLeaving(PostgresException refused) =>
        refused.SqlState.StartsWith("57", StringComparison.Ordinal) || refused.SqlState.StartsWith("53", StringComparison.Ordinal);

    private void Nudge()
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
    private sealed class Patient(TimeProvider time)
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
