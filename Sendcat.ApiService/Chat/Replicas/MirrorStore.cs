using System.Text.Json;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// The mirrors in Redis: one Redis stream for each turn, with one entry for each event. Every method throws the exceptions of
/// <see cref="RedisFailure"/>.
/// </summary>
internal sealed class MirrorStore(IConnectionMultiplexer redis)
{
    /// <summary>Maximum entries of one read and of one write. It bounds the memory of both for an answer of any length.</summary>
    public const int MaxBatch = 32;

    /// <summary>The cursor before the first entry.</summary>
    public const string Start = "0-0";

    private const string EventField = "e";

    // KEYS[1] the mirror; ARGV[1] its expiry in milliseconds, ARGV[2] the channel that reports new entries, ARGV[3] the id of the last
    // entry that the caller wrote, empty for a new epoch, then id and event of each new entry. Adds the entries and restarts the expiry.
    // Returns 1; or 0 if the last entry is another one or is missing, and then changes nothing.
    private const string Append = """
        if ARGV[3] == '' then
          redis.call('DEL', KEYS[1])
        else
          local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
          if not last or last[1] ~= ARGV[3] then return 0 end
        end
        for n = 4, #ARGV, 2 do redis.call('XADD', KEYS[1], ARGV[n], 'e', ARGV[n + 1]) end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        if #ARGV > 3 then redis.call('PUBLISH', ARGV[2], '') end
        return 1
        """;

    private IDatabase Database => redis.GetDatabase();

    /// <summary>Appends entries, and restarts the expiry of the mirror. Without entries it only restarts the expiry.</summary>
    /// <param name="last">The last entry that was appended before; null begins a new epoch and deletes the earlier one.</param>
    /// <returns>False if Redis lost the mirror or a part of it. Nothing was written then.</returns>
    public async Task<bool> AppendAsync(Guid streamId, MirrorEntry? last, IReadOnlyList<MirrorEntry> entries, TimeSpan expiry)
    {
        var arguments = new List<RedisValue>(3 + (2 * entries.Count))
        {
            (long)expiry.TotalMilliseconds, RedisKeys.TurnMirrorChanged(streamId), last?.Id ?? "",
        };
        foreach (var entry in entries)
        {
            arguments.Add(entry.Id);
            arguments.Add(JsonSerializer.SerializeToUtf8Bytes(entry.Event, ChatEventJson.Default.ChatEvent));
        }

        return (bool)await Database.ScriptEvaluateAsync(Append, [RedisKeys.TurnMirror(streamId)], [.. arguments]);
    }

    /// <summary>Reads the entries after a cursor, at most <see cref="MaxBatch"/>.</summary>
    /// <param name="after">The id of the last entry that was read; <see cref="Start"/> for none.</param>
    /// <returns>The entries, and whether the mirror exists.</returns>
    /// <exception cref="JsonException">An entry is not an event.</exception>
    /// <exception cref="FormatException">An entry is not an event.</exception>
    public async Task<(IReadOnlyList<MirrorEntry> Entries, bool Exists)> ReadAsync(Guid streamId, string after)
    {
        RedisKey key = RedisKeys.TurnMirror(streamId);
        var reading = Database.StreamReadAsync(key, after, MaxBatch);
        var existing = Database.KeyExistsAsync(key);
        var entries = Array.ConvertAll(
            await reading,
            entry => MirrorEntry.Parse(
                entry.Id.ToString(), JsonSerializer.Deserialize((byte[])entry[EventField]!, ChatEventJson.Default.ChatEvent)!));
        return (entries, await existing);
    }
}
