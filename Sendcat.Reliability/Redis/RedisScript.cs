using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>A script beside its user, called by its hash; a Redis that has lost it (restart, failover) gets it again with the same call.</summary>
internal sealed class RedisScript
{
    private readonly string _text;
    private readonly byte[] _hash;

    private RedisScript(string text)
    {
        _text = text;
#pragma warning disable CA5350 // Redis names its scripts by SHA-1.
        _hash = SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
    }

    /// <param name="name">File name; the scripts of this assembly live in the folders of their users.</param>
    public static RedisScript Embedded(string name)
    {
        var assembly = typeof(RedisScript).Assembly;
        var resource = assembly.GetManifestResourceNames().Single(it => it.EndsWith($".{name}", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return new(reader.ReadToEnd());
    }

    public async Task<RedisResult> EvaluateAsync(IDatabase redis, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return await redis.ScriptEvaluateAsync(_hash, keys, arguments);
        }
        catch (RedisServerException missing) when (missing.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await redis.ScriptEvaluateAsync(_text, keys, arguments, CommandFlags.NoScriptCache);
        }
    }
}
