using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>A script beside its user, called by its hash; a Redis that has lost it gets it again with a second call. Its first line is its name in traces.</summary>
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

    /// <summary>By the hash. A call that <see cref="IsUnknown"/> has changed nothing.</summary>
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

    /// <summary>With the text, which Redis keeps: the way to go on after <see cref="IsUnknown"/>.</summary>
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

    /// <summary>Redis has answered that it does not know the script (after a restart, a failover or a flush).</summary>
    public static bool IsUnknown(Task call) => call.Exception?.InnerException is RedisServerException answer && answer.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal);
}
