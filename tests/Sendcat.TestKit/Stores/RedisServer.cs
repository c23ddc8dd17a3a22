using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>A Redis server. It starts in some 50 ms. Its keys survive a graceful stop and are lost when the server is killed.</summary>
public sealed class RedisServer : StoreServer
{
    private const int Databases = 4096;

    private readonly string _program = Executable.Require("redis-server", "redis-server");
    private int _lastDatabase;

    private RedisServer()
        : base(new TestFolder("redis"))
    {
    }

    /// <summary>The connection string of database 0, for StackExchange.Redis.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port},abortConnect=false");

    private protected override UnixSignal StopSignal => UnixSignal.Terminate;

    public static Task<RedisServer> StartAsync() => StartFirstAsync(new RedisServer());

    /// <summary>
    /// Returns the connection string of an empty database for one test. All databases share the pub/sub channels and scripts.
    /// </summary>
    /// <exception cref="InvalidOperationException">All 4096 databases are in use.</exception>
    public string CreateDatabase()
    {
        var database = Interlocked.Increment(ref _lastDatabase);
        return database < Databases
            ? string.Create(CultureInfo.InvariantCulture, $"{ConnectionString},defaultDatabase={database}")
            : throw new InvalidOperationException($"All {Databases} databases of this Redis server are in use.");
    }

    private protected override bool IsReadyLine(string line) => line.Contains("Ready to accept connections", StringComparison.Ordinal);

    private protected override Task<ProcessSpec> PrepareAsync() =>
        Task.FromResult(new ProcessSpec(
            _program,
            "--port", Port.ToString(CultureInfo.InvariantCulture),
            "--bind", "127.0.0.1",
            "--dir", Folder.Path,
            "--databases", Databases.ToString(CultureInfo.InvariantCulture),
            "--save", "3600 1000000",
            "--appendonly", "no",
            "--stop-writes-on-bgsave-error", "no")
        { WorkingDirectory = Folder.Path });
}
