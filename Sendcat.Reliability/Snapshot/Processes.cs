using System.Text.Json;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.Snapshot;

/// <summary>All replicas and workers, for operators: what they report about themselves, what they hold, and whether they are
/// drained.</summary>
public sealed class Processes
{
    private const string BulkheadPrefix = "bulkhead:";

    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan OrderRetention = TimeSpan.FromDays(7);

    private readonly ReplicaLeases _leases;
    private readonly IConnectionMultiplexer _redis;
    private readonly TimeProvider _time;

    internal Processes(ReplicaLeases leases, IConnectionMultiplexer redis, TimeProvider time) =>
        (_leases, _redis, _time) = (leases, redis, time);

    /// <returns>Null while Redis is unavailable.</returns>
    public async Task<IReadOnlyList<ProcessReading>?> ListAsync(CancellationToken cancellationToken)
    {
        if (await _leases.ListAsync(cancellationToken) is not { } replicas)
        {
            return null;
        }

        try
        {
            var database = _redis.GetDatabase();
            var orders = database.HashGetAllAsync(RedisKeys.DrainedProcesses);
            var statuses = replicas.Select(replica => database.StringGetAsync(RedisKeys.ProcessStatus(replica.Id))).ToArray();
            var held = replicas.Select(replica => database.HashValuesAsync(RedisKeys.LeasesOf(replica.Id))).ToArray();
            await Task.WhenAll([orders, .. statuses, .. held]).WaitAsync(ResponseTimeout, _time, cancellationToken);
            var drained = (await orders)
                .ToDictionary(order => order.Name.ToString(), order => order.Value.ToString(), StringComparer.Ordinal);
            var readings = new List<ProcessReading>();
            foreach (var (replica, index) in replicas.Select((replica, index) => (replica, index)))
            {
                var text = drained.GetValueOrDefault(replica.Id);
                var resumed = text == ProcessPresence.Resumed;
                var order = text is null || resumed ? null : Order(text);
                readings.Add(new(replica, Status(await statuses[index]), Permits(await held[index]), order) { IsResumed = resumed });
            }

            return readings;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return null;
        }
    }

    /// <summary>What the living processes report about themselves, by their ids; those that do not report are left out.</summary>
    /// <returns>Null while Redis is unavailable.</returns>
    public async Task<Dictionary<string, ProcessStatus>?> StatusesAsync(CancellationToken cancellationToken)
    {
        if (await _leases.ListAsync(cancellationToken) is not { } replicas)
        {
            return null;
        }

        try
        {
            string[] living = [.. replicas.Where(replica => replica.Lives).Select(replica => replica.Id)];
            var found = await _redis.GetDatabase().StringGetAsync([.. living.Select(id => (RedisKey)RedisKeys.ProcessStatus(id))])
                .WaitAsync(ResponseTimeout, _time, cancellationToken);
            return living.Zip(found.Select(Status)).Where(pair => pair.Second is not null)
                .ToDictionary(pair => pair.First, pair => pair.Second!, StringComparer.Ordinal);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return null;
        }
    }

    /// <summary>Drains a process, or ends that. It follows within some two seconds.</summary>
    /// <param name="order">Null: resume it.</param>
    /// <returns>False while Redis is unavailable.</returns>
    public async Task<bool> ChangeAsync(string id, DrainOrder? order, CancellationToken cancellationToken)
    {
        try
        {
            var database = _redis.GetDatabase();
            var value = order is null ? ProcessPresence.Resumed : JsonSerializer.Serialize(order, ProcessJson.Default.DrainOrder);
            await Task.WhenAll(
                database.HashSetAsync(RedisKeys.DrainedProcesses, id, value),
                    database.KeyExpireAsync(RedisKeys.DrainedProcesses, OrderRetention))
                .WaitAsync(ResponseTimeout, _time, cancellationToken);
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }

    /// <summary>The slots of each provider's bulkhead that the leases of a process contain.</summary>
    internal static IReadOnlyDictionary<string, int> Permits(IEnumerable<RedisValue> holders) => holders
        .SelectMany(keys => keys.ToString().Split('\n')).Where(key => key.StartsWith(BulkheadPrefix, StringComparison.Ordinal))
        .GroupBy(key => key[BulkheadPrefix.Length..], StringComparer.Ordinal)
            .ToDictionary(provider => provider.Key, provider => provider.Count(), StringComparer.Ordinal);

    private static ProcessStatus? Status(RedisValue json)
    {
        try
        {
            return json.IsNull ? null : JsonSerializer.Deserialize((string)json!, ProcessJson.Default.ProcessStatus);
        }
        catch (JsonException)
        {
            // A process of another version.
            return null;
        }
    }

    internal static DrainOrder? Order(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ProcessJson.Default.DrainOrder);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Status">Null: it does not report any more, or is no program of Sendcat.</param>
/// <param name="Permits">Slots of bulkheads by provider.</param>
/// <param name="Order">Who has drained it; null: nobody.</param>
public sealed record ProcessReading(ReplicaReading Replica, ProcessStatus? Status, IReadOnlyDictionary<string, int> Permits,
    DrainOrder? Order)
{
    /// <summary>An operator has ended its drain, and it follows within two seconds.</summary>
    public bool IsResumed { get; init; }

    /// <summary>It begins no new work, or will not within two seconds.</summary>
    public bool IsDrained => Order is not null || (Status is { IsDrained: true } && !IsResumed);
}
