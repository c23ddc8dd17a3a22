using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>A script beside its user, called by its hash; a Redis that has lost it (restart, failover) gets it again with the same call. Its first line is its name in traces.</summary>
internal sealed class RedisScript
{
    private const string Mark = "-- ";

    private readonly string _text;
    private readonly byte[] _hash;

    private RedisScript(string text)
    {
        _text = text;
        Name = text.StartsWith(Mark, StringComparison.Ordinal) ? text[Mark.Length..text.IndexOf('\n', StringComparison.Ordinal)].Trim() : throw new ArgumentException($"A script begins with '{Mark}'.", nameof(text));
#pragma warning disable CA5350 // Redis names its scripts by SHA-1.
        _hash = SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
    }

    /// <summary>What it does, for instance <c>claim limits</c>.</summary>
    public string Name { get; }

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
        using var span = RedisSpan.Start(Name, "EVALSHA");
        try
        {
            return await redis.ScriptEvaluateAsync(_hash, keys, arguments);
        }
        catch (RedisServerException missing) when (missing.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await redis.ScriptEvaluateAsync(_text, keys, arguments, CommandFlags.NoScriptCache);
        }
        catch (Exception failure) when (span.Failed(failure))
        {
            throw;
        }
    }
}
