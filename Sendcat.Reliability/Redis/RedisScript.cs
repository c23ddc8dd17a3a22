using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// A Lua script that is embedded in this assembly. It is called by its hash; when Redis no longer has the script, a second call sends the
/// text. The first line of the script is its span name.
/// </summary>
internal sealed class RedisScript
{
    private const string Mark = "-- ";

    private readonly string _text;
    private readonly byte[] _hash;

    private RedisScript(string text)
    {
        _text = text;
        Name = text.StartsWith(Mark, StringComparison.Ordinal)
            ? text[Mark.Length..text.IndexOf('\n', StringComparison.Ordinal)].Trim()
            : throw new ArgumentException($"A script must begin with '{Mark}'.", nameof(text));
#pragma warning disable CA5350 // Redis identifies scripts by their SHA-1 hash.
        _hash = SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
    }

    /// <summary>The span name, for instance <c>claim limits</c>.</summary>
    public string Name { get; }

    /// <summary>Loads an embedded script.</summary>
    /// <param name="name">The file name without its folder. Each script is in the folder of the code that uses it.</param>
    /// <exception cref="InvalidOperationException">No script, or more than one, has this name.</exception>
    /// <exception cref="ArgumentException">The script has no name in its first line.</exception>
    public static RedisScript Embedded(string name)
    {
        var assembly = typeof(RedisScript).Assembly;
        var resource = assembly.GetManifestResourceNames().Single(it => it.EndsWith($".{name}", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return new(reader.ReadToEnd());
    }

    /// <summary>Calls the script by its hash (EVALSHA). A call for which <see cref="IsUnknown"/> is true has changed nothing.</summary>
    public async Task<RedisResult> CallAsync(IDatabase redis, RedisKey[] keys, RedisValue[] arguments)
    {
        using var span = RedisSpan.Start(Name, "EVALSHA");
        try
        {
            return await redis.ScriptEvaluateAsync(_hash, keys, arguments);
        }
        catch (Exception failure) when (span.Failed(failure))
        {
            throw;
        }
    }

    /// <summary>Calls the script with its text (EVAL), which Redis then caches. Use it after <see cref="IsUnknown"/>.</summary>
    public async Task<RedisResult> LoadAndCallAsync(IDatabase redis, RedisKey[] keys, RedisValue[] arguments)
    {
        using var span = RedisSpan.Start(Name, "EVAL");
        try
        {
            return await redis.ScriptEvaluateAsync(_text, keys, arguments, CommandFlags.NoScriptCache);
        }
        catch (Exception failure) when (span.Failed(failure))
        {
            throw;
        }
    }

    /// <summary>Whether Redis responded that it does not have the script (after a restart, a failover or a flush).</summary>
    public static bool IsUnknown(Task call) =>
        call.Exception?.InnerException is RedisServerException response
            && response.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal);
}
