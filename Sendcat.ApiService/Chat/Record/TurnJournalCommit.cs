using Npgsql;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// One transaction of the <see cref="TurnJournal"/>: rows and parts of texts of many turns, with fixed keys, so that a repeat after a
/// commit with an unknown outcome changes nothing. A row of an earlier confirmed commit is only updated: if it is missing, it was deleted
/// meanwhile.
/// </summary>
internal static class TurnJournalCommit
{
    /// <summary>
    /// Reported instead of a status: another turn of the message was first, or another thread under the same client id, so nothing of this
    /// one was inserted.
    /// </summary>
    public const string Repeated = "repeated";

    // With a custom plan for every commit, planning the updates below takes as long as running them, so generic plans are forced. Without
    // statistics, as on a new database, a generic plan would use sequential scans, so these are disabled. Both settings last for the
    // transaction. Returns no rows.
    private const string PlanOnce = """
        -- use generic plans
        SELECT WHERE set_config('plan_cache_mode', 'force_generic_plan', TRUE) IS NULL OR set_config('enable_seqscan', 'off', TRUE) IS NULL
        """;

    /// <returns>
    /// Turns that were closed elsewhere, with the status found in Postgres or <see cref="Repeated"/>; null when the thread was deleted.
    /// </returns>
    /// <exception cref="NpgsqlException">The commit failed, or its outcome is unknown.</exception>
    public static async Task<IReadOnlyList<KeyValuePair<TurnRecord, string?>>> WriteAsync(
        NpgsqlDataSource database, Guid replica, IReadOnlyList<TurnChanges> changes, DateTimeOffset now)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanOnce));

        var sessions = changes.Select(change => change.Session).ToArray();
        var messages = changes.SelectMany(change => change.Messages).ToArray();
        Add(batch, [.. changes.Select(change => change.Begins).OfType<ChatThread>()], ThreadStatements.Begin);
        if (changes.Any(change => change.Session is { IsNew: true, OneTurnOf: not null } && !change.Touches))
        {
            Add(batch, ThreadsOf(changes.Where(change => change.Touches || change.Session.IsNew)), ThreadStatements.Lock);
        }

        // Threads are locked before their messages, as in all other transactions, which prevents deadlocks: a message that begins or ends
        // changes the counters of its thread.
        Add(batch, ThreadsOf(changes.Where(change => change.Touches)), ids => ThreadStatements.Touch(ids, now));
        Add(
            batch,
            [
                .. changes.Where(change => change.Session.IsNew && change.Record.Title is not null).Select(change => change.Record)
                    .DistinctBy(record => record.ThreadId),
            ],
            ThreadStatements.SetTitles);
        Add(batch, [.. messages.Where(row => row.IsNew).DistinctBy(row => row.Id)], MessageStatements.Insert);
        Add(batch, [.. messages.Where(row => !row.IsNew)], MessageStatements.Update);
        Add(
            batch,
            [
                .. changes.Where(change => change.Session.IsNew && (change.HoldsBackMessages || change.Replaces is not null))
                    .Select(change => change.Session),
            ],
            rows => SessionStatements.DeleteOldReplacements(rows, now));
        Add(batch, [.. changes.Select(change => change.Replaces).OfType<ReplacedMessages>()], MessageStatements.DeleteReplacedAnswers);
        Add(batch, [.. messages.Where(row => row.MayHaveParts).Select(row => row.Id)], MessageStatements.DeleteParts);
        Add(batch, [.. changes.SelectMany(change => change.Parts)], MessageStatements.InsertParts);
        Add(batch, [.. changes.SelectMany(change => change.Failed)], MessageStatements.Fail);
        Add(batch, [.. sessions.Where(row => row.IsNew)], rows => SessionStatements.Open(rows, replica, now));
        Add(batch, [.. sessions.Where(row => row is { IsNew: false, HasChanged: true })], rows => SessionStatements.Update(rows, now));
        Add(
            batch, [.. sessions.Where(row => row is { IsNew: false, HasChanged: false }).Select(row => row.StreamId)],
            SessionStatements.Check);

        Add(batch, [.. changes.SelectMany(change => change.Costs)], CostStatements.Insert);

        var found = new Dictionary<Guid, string>(changes.Count);
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            await ReadStatusesAsync(reader, found);
        }

        // The statements above return no session that was closed with another status than aborted. A session that is missing altogether was
        // deleted with its thread, or not inserted because the thread is missing.
        if (sessions.Select(session => session.StreamId).Where(id => !found.ContainsKey(id)).ToArray() is { Length: > 0 } closed)
        {
            await using var check = new NpgsqlCommand(SessionStatements.UnchangedSessions, connection);
            check.Parameters.Add(CommitColumns.Ids(closed));
            await using var reader = await check.ExecuteReaderAsync();
            await ReadStatusesAsync(reader, found);
        }

        return [.. changes
            .Where(change => found.GetValueOrDefault(change.Session.StreamId) != change.Session.Status)
            .Select(change => KeyValuePair.Create(
                change.Record,
                found.GetValueOrDefault(change.Session.StreamId) ?? (change.Begins is { ClientId: not null } ? Repeated : null)))];
    }

    private static async Task ReadStatusesAsync(NpgsqlDataReader reader, Dictionary<Guid, string> found)
    {
        // Npgsql throws the error of a later statement only when the reader reaches its result.
        do
        {
            while (await reader.ReadAsync())
            {
                found[reader.GetGuid(0)] = reader.GetString(1);
            }
        }
        while (await reader.NextResultAsync());
    }

    private static Guid[] ThreadsOf(IEnumerable<TurnChanges> changes) =>
        [.. changes.Select(change => change.Session.ThreadId).Distinct().Order()];

    private static void Add<TRow>(NpgsqlBatch batch, TRow[] rows, Func<TRow[], NpgsqlBatchCommand> command)
    {
        if (rows.Length > 0)
        {
            batch.BatchCommands.Add(command(rows));
        }
    }
}
