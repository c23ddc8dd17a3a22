using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads.Events;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>A journal of turns with a Postgres and a Redis of its own. It writes after <c>StartAsync</c>.</summary>
public abstract class JournalTest(SharedStores stores) : IAsyncLifetime
{
    private protected static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private protected static readonly StoreOutages Outages = StoreOutagesFeature.Create(NullLogger.Instance, TimeProvider.System);
    private protected static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private ServiceProvider _services = null!;
    private ConnectionMultiplexer _redis = null!;

    private protected ReplicaId OwnId { get; } = ReplicaId.New();

    /// <summary>The statuses of turns that the journal has found closed.</summary>
    private protected List<string?> ClosedElsewhere { get; } = [];

    private protected TurnJournal Journal { get; private set; } = null!;

    private protected NpgsqlDataSource Database { get; private set; } = null!;

    private protected RequestDatabase Requests { get; private set; } = null!;

    private protected Quotas Quotas { get; private set; } = null!;

    private protected ThreadSignals Signals { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var connectionString = await MigratedDatabase.CreateAsync(await stores.PostgresAsync());
        Database = NpgsqlDataSource.Create(connectionString);
        _services = new ServiceCollection()
            .AddLogging()
            .AddMemoryCache()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddKnobs<ChatOptions>()
            .AddKnobs<QuotaOptions>()
            .AddKnobs<PostgresOptions>()
            .BuildServiceProvider();
        Requests = new(Database, _services.GetRequiredService<IOptionsMonitor<PostgresOptions>>(), TimeProvider.System, Outages);
        Quotas = new(
            Requests, _services.GetRequiredService<IMemoryCache>(), _services.GetRequiredService<IOptionsMonitor<QuotaOptions>>());
        _redis = await ConnectionMultiplexer.ConnectAsync((await stores.RedisAsync()).CreateDatabase());
        Signals = new(_redis, Outages, NullLogger<ThreadSignals>.Instance);
        Journal = new(
            Database, OwnId, Signals, _services.GetRequiredService<IOptionsMonitor<ChatOptions>>(), TimeProvider.System, Outages,
            NullLogger<TurnJournal>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await Journal.StopAsync(CancellationToken.None);
        Journal.Dispose();
        await _services.DisposeAsync();
        await _redis.DisposeAsync();
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A turn that has just started, in a new thread.</summary>
    private protected async Task<TurnRecord> RecordAsync(
        string principal = "user:ann", string? modelId = null, MessageRow? userMessage = null)
    {
        var thread = Guid.NewGuid();
        await ExecuteAsync($"insert into threads (id, model_id, session_id) values ('{thread}', 'm', 's')");
        return new(Guid.NewGuid(), thread, Guid.NewGuid(), principal, modelId, Now, userMessage) { ClosedElsewhere = ClosedElsewhere.Add };
    }

    /// <summary>Waits until the journal has committed the changes of the turn, or has given them up.</summary>
    private protected Task WriteAsync(TurnRecord record)
    {
        Journal.WriteNow(record);
        return record.WrittenAsync().WaitAsync(MaxWait, TestContext.Current.CancellationToken);
    }

    /// <summary>Commits the changes of the turn, with a known outcome.</summary>
    private protected async Task CommitAsync(TurnRecord record)
    {
        var changes = record.Changes();
        await CommitAsync(changes);
        record.MarkWritten(changes);
    }

    private protected Task CommitAsync(TurnChanges changes) => TurnJournalCommit.WriteAsync(Database, OwnId.Value, [changes], Now);

    /// <summary>Role and status of the messages of the turn's thread, oldest first.</summary>
    private protected async Task<IReadOnlyList<string>> MessagesAsync(TurnRecord record)
    {
        await using var command = Database.CreateCommand(
            $"select role || ' ' || status from messages where thread_id = '{record.ThreadId}' order by seq");
        await using var reader = await command.ExecuteReaderAsync();
        var messages = new List<string>();
        while (await reader.ReadAsync())
        {
            messages.Add(reader.GetString(0));
        }

        return messages;
    }

    private protected async Task<string?> ScalarAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return await command.ExecuteScalarAsync() as string;
    }

    private protected async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
