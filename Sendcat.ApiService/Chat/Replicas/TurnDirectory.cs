using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Which replica runs the turn of each thread, stored in Redis for the other replicas. A turn does not depend on it: without Redis, only
/// the resume and the immediate abort from another replica do not work. All methods log a Redis failure and do not throw it.
/// </summary>
internal sealed class TurnDirectory(
    IConnectionMultiplexer redis, ReplicaId replica, TimeProvider time, StoreOutages outages, ILogger<TurnDirectory> logger)
{
    /// <summary>How long a request waits for a response of Redis.</summary>
    public static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Interval between two calls of <see cref="RenewAsync"/>.</summary>
    public static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(20);

    /// <summary>Expiry of a thread's entry unless it is renewed: then its replica is dead.</summary>
    private static readonly TimeSpan EntryTtl = 3 * RenewalInterval;

    /// <summary>Most entries in one call to Redis, so that a decision behind it waits well under a millisecond.</summary>
    private const int MaxRenewals = 200;

    /// <summary>
    /// Upper bound of every grace period: it exceeds the maximum of <see cref="ChatOptions.DetachGraceMs"/>. Older members are those of
    /// dead replicas.
    /// </summary>
    private static readonly TimeSpan MaxGrace = TimeSpan.FromMinutes(15);

    // KEYS[1] the entry of the thread; ARGV[1] its new value, which starts with a stream id of 36 characters, ARGV[2] its expiry in
    // seconds, ARGV[3] the channel of the signals, ARGV[4] the prefix of the supersede signal. Publishes the signal to the turn that the
    // entry named before. Returns nothing.
    private const string TakeOver = """
        local earlier = redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'GET')
        if earlier then redis.call('PUBLISH', ARGV[3], ARGV[4] .. string.sub(earlier, 1, 36)) end
        """;

    // KEYS the entries of threads; ARGV[1] their expiry in seconds, ARGV[2] the value of the first entry, and so on. Restarts the expiry of
    // each entry, and writes an entry that Redis lost. The entry of another turn stays. Returns nothing.
    private const string RenewEntries = """
        for n, key in ipairs(KEYS) do
          local entry = redis.call('GET', key)
          if not entry or entry == ARGV[n + 1] then redis.call('SET', key, ARGV[n + 1], 'EX', ARGV[1]) end
        end
        """;

    // KEYS[1] the principal's entry, KEYS[2] the set of detached turns; ARGV[1] the stream id, ARGV[2] its member in the set, ARGV[3] the
    // grace period in milliseconds, ARGV[4] the expiry of the set in milliseconds, restarted with each addition. A member that is in the
    // set already keeps its time. Returns nothing.
    private const string Detach = """
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
        local time = redis.call('TIME')
        redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
        redis.call('PEXPIRE', KEYS[2], ARGV[4])
        """;

    // KEYS[1] the principal's entry, KEYS[2] the set of detached turns; ARGV[1] the stream id, ARGV[2] its member in the set. Deletes the
    // entry only if it still names this stream. Returns nothing.
    private const string Attach = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        redis.call('ZREM', KEYS[2], ARGV[2])
        """;

    // KEYS[1] the entry of the thread, KEYS[2] the set of detached turns; ARGV[1] the stream id, ARGV[2] its member in the set. Deletes the
    // entry only if it still names this stream. Returns nothing.
    private const string Leave = """
        local entry = redis.call('GET', KEYS[1])
        if entry and string.sub(entry, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        redis.call('ZREM', KEYS[2], ARGV[2])
        """;

    // KEYS the sets of detached turns, in the order in which their turns are ended; ARGV[1] the age in milliseconds from which a member is
    // that of a dead replica, then for each set the milliseconds for which a turn must have been without a reader. Removes and returns the
    // member that has been without a reader for the longest time; false if there is none.
    private const string TakeAbandoned = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        for n, key in ipairs(KEYS) do
          redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ARGV[1])
          local left = redis.call('ZRANGEBYSCORE', key, '-inf', now - ARGV[n + 1], 'LIMIT', 0, 1)[1]
          if left then
            redis.call('ZREM', key, left)
            return left
          end
        end
        return false
        """;

    // Fire and forget, and with the script's text each time: with the hash, a NOSCRIPT error of a restarted Redis would stay unnoticed.
    private const CommandFlags FireAndForgetScript = CommandFlags.FireAndForget | CommandFlags.NoScriptCache;

    private readonly WorkOutage _outage = new("Turn directory", outages.Redis, logger, time);

    private IDatabase Database => redis.GetDatabase();

    /// <summary>
    /// Registers a turn before it begins; <see cref="UnregisterAsync"/> removes the entry. An earlier turn of the thread, on whichever
    /// replica, is superseded.
    /// </summary>
    public void Register(TurnStart start, bool usesUiDialect) =>
        Send("register turn", "EVAL", database => database.ScriptEvaluateAsync(
            TakeOver, [RedisKeys.LiveTurn(start.ThreadId)],
            [Entry(start, usesUiDialect), (int)EntryTtl.TotalSeconds, RedisKeys.TurnSignals, TurnSignals.SupersedePrefix],
            FireAndForgetScript));

    /// <summary>
    /// Renews the entries of running turns, also those that Redis lost. Call it every <see cref="RenewalInterval"/> with the newest turn
    /// of each thread.
    /// </summary>
    public async Task RenewAsync(IReadOnlyCollection<LiveTurn> turns)
    {
        foreach (var batch in turns.Chunk(MaxRenewals))
        {
            RedisKey[] keys = [.. batch.Select(turn => (RedisKey)RedisKeys.LiveTurn(turn.Start.ThreadId))];
            RedisValue[] entries = [.. batch.Select(turn => Entry(turn.Start, turn.UsesUiDialect))];
            Send("renew turns", "EVAL", database => database.ScriptEvaluateAsync(
                RenewEntries, keys, [(int)EntryTtl.TotalSeconds, .. entries], FireAndForgetScript));

            // A turn that ended meanwhile may have removed its entry before the renewal wrote it again.
            foreach (var ended in batch.Where(turn => turn.HasEnded))
            {
                await UnregisterAsync(ended.Start);
            }
        }
    }

    /// <summary>Removes the entries of a turn that has ended. A newer turn's entry stays.</summary>
    public async Task UnregisterAsync(TurnStart start)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            using var span = RedisSpan.Start("unregister turn", "EVAL");
            await Database.ScriptEvaluateAsync(
                Leave, [RedisKeys.LiveTurn(start.ThreadId), DetachedSet(start)],
                [start.StreamId.ToString(), new DetachedTurn(start).ToString()], FireAndForgetScript);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
        }
    }

    /// <summary>Whether the turn runs on this replica.</summary>
    public bool IsLocal(TurnLocation location) => location.Replica == replica.Value;

    /// <returns>The location of the thread's running turn; null if none is registered or Redis is unavailable.</returns>
    public async Task<TurnLocation?> FindAsync(Guid threadId) => (await LookUpAsync(threadId)).Location;

    /// <returns>Whether Redis responded, and the location of the thread's running turn; null if none is registered.</returns>
    public async Task<(bool Responded, TurnLocation? Location)> LookUpAsync(Guid threadId)
    {
        try
        {
            using var span = RedisSpan.Start("find turn", "GET");
            var location = TurnLocation.Parse(await Database.StringGetAsync(RedisKeys.LiveTurn(threadId)).WaitAsync(ResponseTimeout, time));
            _outage.Ends();
            return (true, location);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
            return (false, null);
        }
    }

    /// <summary>
    /// Marks a turn as having no reader: the principal's next turn may replace it, and so may a turn of any principal when no slot is free.
    /// </summary>
    public void MarkDetached(TurnStart start, TimeSpan grace) =>
        Send("detach turn", "EVAL", database => database.ScriptEvaluateAsync(
            Detach, [RedisKeys.DetachedTurn(start.Principal), DetachedSet(start)],
            [
                start.StreamId.ToString(), new DetachedTurn(start).ToString(), (long)grace.TotalMilliseconds,
                (long)MaxGrace.TotalMilliseconds,
            ],
            FireAndForgetScript));

    /// <summary>Reverts <see cref="MarkDetached"/>: the turn has a reader again.</summary>
    public void MarkAttached(TurnStart start) =>
        Send("attach turn", "EVAL", database => database.ScriptEvaluateAsync(
            Attach, [RedisKeys.DetachedTurn(start.Principal), DetachedSet(start)],
            [start.StreamId.ToString(), new DetachedTurn(start).ToString()], FireAndForgetScript));

    /// <returns>Since when the turn has had no reader; null: it has one, or Redis is unavailable.</returns>
    public async Task<DateTimeOffset?> UnreadSinceAsync(Guid streamId, string principal)
    {
        try
        {
            using var span = RedisSpan.Start("find detached turn", "ZSCORE");
            var member = new DetachedTurn(streamId, principal).ToString();
            var scores = await Task.WhenAll(
                Database.SortedSetScoreAsync(RedisKeys.DetachedGuests, member),
                    Database.SortedSetScoreAsync(RedisKeys.DetachedUsers, member))
                .WaitAsync(ResponseTimeout, time);
            _outage.Ends();
            return scores.Max() is { } score ? DateTimeOffset.FromUnixTimeMilliseconds((long)score) : null;
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
            return null;
        }
    }

    /// <summary>Removes and returns the stream id of the principal's detached turn. Atomic: only one caller gets it.</summary>
    /// <returns>Null if there is none or Redis is unavailable.</returns>
    public async Task<Guid?> TakeDetachedAsync(Principal principal)
    {
        try
        {
            using var span = RedisSpan.Start("take over detached turn", "GETDEL");
            var detached = (string?)await Database.StringGetDeleteAsync(RedisKeys.DetachedTurn(principal.Key))
                .WaitAsync(ResponseTimeout, time);
            _outage.Ends();
            return Guid.TryParse(detached, out var streamId) ? streamId : null;
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
            return null;
        }
    }

    /// <summary>Removes and returns a detached turn of any principal, guests' turns first. Atomic: only one caller gets it.</summary>
    /// <param name="guestsOnly">Return only turns of guests, because the slots of guests are exhausted.</param>
    /// <param name="usersGrace">
    /// How long a signed-in user's turn must have been without a reader. A guest's turn is returned at once.
    /// </param>
    /// <returns>Null if there is none or Redis is unavailable.</returns>
    public async Task<DetachedTurn?> TakeAbandonedAsync(bool guestsOnly, TimeSpan usersGrace)
    {
        if (!redis.IsConnected)
        {
            return null;
        }

        try
        {
            using var span = RedisSpan.Start("take abandoned turn", "EVAL");
            RedisKey[] sets = guestsOnly ? [RedisKeys.DetachedGuests] : [RedisKeys.DetachedGuests, RedisKeys.DetachedUsers];
            return DetachedTurn.Parse((string?)await Database.ScriptEvaluateAsync(
                TakeAbandoned, sets, [(long)MaxGrace.TotalMilliseconds, 0, (long)usersGrace.TotalMilliseconds],
                CommandFlags.NoScriptCache).WaitAsync(ResponseTimeout, time));
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
            return null;
        }
    }

    private void Unreachable(Exception failure)
    {
        if (_outage.Begins(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
        }
    }

    private RedisValue Entry(TurnStart start, bool usesUiDialect) =>
        new TurnLocation(start.StreamId, replica.Value, usesUiDialect, start.Asked).ToString();

    private static RedisKey DetachedSet(TurnStart start) => start.IsGuest ? RedisKeys.DetachedGuests : RedisKeys.DetachedUsers;

    private void Send(string name, string redisCommand, Func<IDatabase, Task> command)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            using var span = RedisSpan.Start(name, redisCommand);
            // Fire and forget as in StackExchange.Redis: the command is queued on the connection, no response is awaited, the task is
            // already complete.
            _ = command(Database);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Unreachable(failure);
        }
    }
}

/// <summary>
/// The replica that runs a turn, the dialect that the turn was started in, and the user message that it answers. Stored in Redis as
/// <c>stream|replica|dialect|message</c>.
/// </summary>
internal sealed record TurnLocation(Guid StreamId, Guid Replica, bool UsesUiDialect, Guid? Asked = null)
{
    /// <returns>Null if the text is not a location.</returns>
    public static TurnLocation? Parse(string? text) =>
        text?.Split('|') is [var stream, var replica, var dialect, .. var rest] && Guid.TryParse(stream, out var streamId)
            && Guid.TryParse(replica, out var replicaId)
            ? new TurnLocation(
                streamId, replicaId, dialect == "ui", rest is [var asked] && Guid.TryParse(asked, out var message) ? message : null)
            : null;

    public override string ToString() => $"{StreamId}|{Replica}|{(UsesUiDialect ? "ui" : "sendcat")}|{Asked}";
}

/// <summary>A running turn without a reader. Stored in Redis as <c>stream|principal</c>.</summary>
internal sealed record DetachedTurn(Guid StreamId, string Principal)
{
    private const char Separator = '|';

    public DetachedTurn(TurnStart start)
        : this(start.StreamId, start.Principal)
    {
    }

    /// <returns>Null if the text is not a detached turn.</returns>
    public static DetachedTurn? Parse(string? text) =>
        text?.IndexOf(Separator, StringComparison.Ordinal) is > 0 and var end && Guid.TryParse(text.AsSpan(0, end), out var streamId)
            ? new(streamId, text[(end + 1)..])
            : null;

    public override string ToString() => $"{StreamId}{Separator}{Principal}";
}
