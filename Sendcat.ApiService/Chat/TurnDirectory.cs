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

    // KEYS[1] the entry; ARGV[1] its value, a stream id of 36 characters first, ARGV[2] seconds until it is forgotten, ARGV[3] the channel and ARGV[4] the words that tell a turn
    // to make room. Sends these to the turn that stood there. No answer.
    private const string TakeOver = """
        local earlier = redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'GET')
        if earlier then redis.call('PUBLISH', ARGV[3], ARGV[4] .. string.sub(earlier, 1, 36)) end
        """;

    // KEYS[1] the entry; ARGV[1] the value it must still have. Answer: 1 if it was deleted.
    private const string DeleteIfMine = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

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
            await Database.ScriptEvaluateAsync(
                "local v = redis.call('GET', KEYS[1]) if v and string.sub(v, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
                [RedisKeys.LiveTurn(start.ThreadId)], [start.StreamId.ToString()], Unheard);
        }
        catch (Exception failure) when (RedisTrouble.Is(failure))
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
        catch (Exception failure) when (RedisTrouble.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
            return null;
        }
    }

    /// <summary>Nobody reads this turn: the principal's next one may take its place.</summary>
    public void Detached(TurnStart start, TimeSpan grace) =>
        Send("detach turn", "SET", database => database.StringSetAsync(RedisKeys.DetachedTurn(start.Principal), start.StreamId.ToString(), grace, flags: CommandFlags.FireAndForget));

    public void Attached(TurnStart start) =>
        Send("attach turn", "EVAL", database => database.ScriptEvaluateAsync(DeleteIfMine, [RedisKeys.DetachedTurn(start.Principal)], [start.StreamId.ToString()], Unheard));

    /// <summary>The principal's detached turn, for the one who takes its place; nobody else gets it.</summary>
    public async Task<Guid?> TakeDetachedAsync(Principal principal)
    {
        try
        {
            using var span = RedisSpan.Start("take over detached turn", "GETDEL");
            return Guid.TryParse((string?)await Database.StringGetDeleteAsync(RedisKeys.DetachedTurn(principal.Key)), out var streamId) ? streamId : null;
        }
        catch (Exception failure) when (RedisTrouble.Is(failure))
        {
            logger.DirectoryUnreachable(failure.GetType().Name);
            return null;
        }
    }

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
        catch (Exception failure) when (RedisTrouble.Is(failure))
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
