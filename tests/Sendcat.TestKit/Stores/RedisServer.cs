using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>A redis-server; starts in some 50 ms. Keeps its keys over an orderly stop, loses them when killed.</summary>
public sealed class RedisServer : StoreServer
{
    private const int Databases = 4096;

    private readonly string program = Executable.Require("redis-server", "redis-server");
    private int lastDatabase;

    private RedisServer()
        : base(new TestFolder("redis"))
    {
    }

    /// <summary>For StackExchange.Redis: database 0 of this server.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port},abortConnect=false");

    private protected override UnixSignal StopSignal => UnixSignal.Terminate;

    public static Task<RedisServer> StartAsync() => StartFirstAsync(new RedisServer());

    /// <summary>An empty keyspace of its own for one test. (Pub/sub channels and scripts are those of the whole server.)</summary>
    public string CreateDatabase()
    {
        var database = Interlocked.Increment(ref lastDatabase);
        return database < Databases
            ? string.Create(CultureInfo.InvariantCulture, $"{ConnectionString},defaultDatabase={database}")
            : throw new InvalidOperationException($"All {Databases} databases of this Redis were given away.");
    }

    private protected override bool SaysReady(string line) => line.Contains("Ready to accept connections", StringComparison.Ordinal);

    private protected override Task<ProcessSpec> PrepareAsync() =>
        Task.FromResult(new ProcessSpec(
            program,
            "--port", Port.ToString(CultureInfo.InvariantCulture),
            "--bind", "127.0.0.1",
            "--dir", Folder.Path,
            "--databases", Databases.ToString(CultureInfo.InvariantCulture),
            "--save", "3600 1000000",
            "--appendonly", "no",
            "--stop-writes-on-bgsave-error", "no")
        { WorkingDirectory = Folder.Path });
}
