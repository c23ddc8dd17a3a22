using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Where each thread's running turn lives, for the other replicas. Kept in Redis beside the turn and never in its way: what is lost with Redis costs only the resume and
/// the instant abort from another replica.
/// </summary>
internal sealed class TurnDirectory(IConnectionMultiplexer redis, ReplicaId replica, ILogger<TurnDirectory> logger)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>No turn waits as long for a reader, whatever the knob says.</summary>
    private static readonly TimeSpan LongestGrace = TimeSpan.FromMinutes(15);

    // KEYS[1] the entry; ARGV[1] its value, a stream id of 36 characters first, ARGV[2] seconds until it is forgotten, ARGV[3] the channel and ARGV[4] the words that tell a turn
    // to make room. Sends these to the turn that stood there. No answer.
    private const string TakeOver = """
        local earlier = redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'GET')
        if earlier then redis.call('PUBLISH', ARGV[3], ARGV[4] .. string.sub(earlier, 1, 36)) end
        """;

    // KEYS[1] the principal's entry, KEYS[2] the set of detached turns; ARGV[1] the stream, ARGV[2] its member in the set, ARGV[3] milliseconds of grace, ARGV[4] milliseconds until a set that nobody
    // adds to is forgotten. No answer.
    private const string Detach = """
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
        local time = redis.call('TIME')
        redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
        redis.call('PEXPIRE', KEYS[2], ARGV[4])
        """;

    // KEYS[1] the principal's entry, KEYS[2] the set of detached turns; ARGV[1] the stream that the entry must still name, ARGV[2] its member in the set. No answer.
    private const string Attach = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        redis.call('ZREM', KEYS[2], ARGV[2])
        """;

    // KEYS[1] the entry of the thread, KEYS[2] the set of detached turns; ARGV[1] the stream, ARGV[2] its member in the set. No answer.
    private const string Leave = """
        local entry = redis.call('GET', KEYS[1])
        if entry and string.sub(entry, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        redis.call('ZREM', KEYS[2], ARGV[2])
        """;

    // KEYS sets of detached turns, in the order in which they make room; ARGV[1] milliseconds after which a member is that of a replica that died, then for each set the milliseconds that a turn must have
    // been left. Takes the one that was left first. Answer: its member, or nothing.
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

    // A script's text every time: nobody would hear of it when a Redis that was started anew does not know the script.
    private const CommandFlags Unheard = CommandFlags.FireAndForget | CommandFlags.NoScriptCache;

    private IDatabase Database => redis.GetDatabase();

    /// <summary>Announces a turn, before it begins: its end takes the entry away. An earlier turn of the thread, on whichever replica, makes room.</summary>
    public void Enter(TurnStart start, bool speaksUi) =>
        Send("register turn", "EVAL", database => database.ScriptEvaluateAsync(
            TakeOver, [RedisKeys.LiveTurn(start.ThreadId)],
            [new TurnPlace(start.StreamId, replica.Value, speaksUi).ToString(), (int)Longest.TotalSeconds, RedisKeys.TurnSignals, TurnSignals.Superseding],
            Unheard));

    public async Task LeaveAsync(TurnStart start)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            using var span = RedisSpan.Start("unregister turn", "EVAL");
            await Database.ScriptEvaluateAsync(Leave, [RedisKeys.LiveTurn(start.ThreadId), DetachedSet(start)], [start.StreamId.ToString(), new DetachedTurn(start).ToString()], Unheard);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
        }
    }

    /// <summary>Whether it is this replica that the turn runs on.</summary>
    public bool IsHere(TurnPlace place) => place.Replica == replica.Value;

    public async Task<TurnPlace?> FindAsync(Guid threadId)
    {
        try
        {
            using var span = RedisSpan.Start("find turn", "GET");
            return TurnPlace.Parse(await Database.StringGetAsync(RedisKeys.LiveTurn(threadId)));
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
            return null;
        }
    }

    /// <summary>Nobody reads this turn: the principal's next one may take its place, and anybody's when slots are wanted.</summary>
    public void Detached(TurnStart start, TimeSpan grace) =>
        Send("detach turn", "EVAL", database => database.ScriptEvaluateAsync(
            Detach, [RedisKeys.DetachedTurn(start.Principal), DetachedSet(start)],
            [start.StreamId.ToString(), new DetachedTurn(start).ToString(), (long)grace.TotalMilliseconds, (long)LongestGrace.TotalMilliseconds], Unheard));

    public void Attached(TurnStart start) =>
        Send("attach turn", "EVAL", database => database.ScriptEvaluateAsync(
            Attach, [RedisKeys.DetachedTurn(start.Principal), DetachedSet(start)], [start.StreamId.ToString(), new DetachedTurn(start).ToString()], Unheard));

    /// <summary>The principal's detached turn, for the one who takes its place; nobody else gets it.</summary>
    public async Task<Guid?> TakeDetachedAsync(Principal principal)
    {
        try
        {
            using var span = RedisSpan.Start("take over detached turn", "GETDEL");
            return Guid.TryParse((string?)await Database.StringGetDeleteAsync(RedisKeys.DetachedTurn(principal.Key)), out var streamId) ? streamId : null;
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
            return null;
        }
    }

    /// <summary>A turn of anybody that nobody reads, for the one who needs its slot; nobody else gets it. Guests' turns first.</summary>
    /// <param name="guestsOnly">The slots of guests are wanted.</param>
    /// <param name="usersGrace">How long the readers of signed-in users' turns must have been gone.</param>
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
            return DetachedTurn.Parse((string?)await Database.ScriptEvaluateAsync(TakeAbandoned, sets, [(long)LongestGrace.TotalMilliseconds, 0, (long)usersGrace.TotalMilliseconds], CommandFlags.NoScriptCache));
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
            return null;
        }
    }

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
            // Fire and forget in the client's sense: queued on the connection, no answer is awaited, the task is complete.
            _ = command(Database);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
        }
    }
}

/// <summary>A running turn's address.</summary>
internal sealed record TurnPlace(Guid StreamId, Guid Replica, bool SpeaksUi)
{
    public static TurnPlace? Parse(string? text) =>
        text?.Split('|') is [var stream, var replica, var dialect] && Guid.TryParse(stream, out var streamId) && Guid.TryParse(replica, out var replicaId)
            ? new TurnPlace(streamId, replicaId, dialect == "ui")
            : null;

    public override string ToString() => $"{StreamId}|{Replica}|{(SpeaksUi ? "ui" : "sendcat")}";
}

/// <summary>A running turn that nobody reads.</summary>
internal sealed record DetachedTurn(Guid StreamId, string Principal)
{
    private const char Separator = '|';

    public DetachedTurn(TurnStart start)
        : this(start.StreamId, start.Principal)
    {
    }

    public static DetachedTurn? Parse(string? text) =>
        text?.IndexOf(Separator, StringComparison.Ordinal) is > 0 and var end && Guid.TryParse(text.AsSpan(0, end), out var streamId) ? new(streamId, text[(end + 1)..]) : null;

    public override string ToString() => $"{StreamId}{Separator}{Principal}";
}
