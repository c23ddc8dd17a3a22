using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Sendcat.Integrations.Tools;
using Sendcat.KillRig.Chatting;
using Sendcat.KillRig.Delivering;
using Sendcat.KillRig.Faults;
using Sendcat.KillRig.Upstream;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.KillRig.Rig;

/// <summary>
/// All processes of a run. The stores (Postgres with fsync), the upstream, the model, the workers, the submitters and the replicas of the
/// API each have their own process. The simulated users run in this process.
/// </summary>
internal sealed class RigProcesses : IAsyncDisposable
{
    private readonly RedisServer _redis;
    private readonly PostgresServer _postgres;
    private readonly RabbitMqServer _broker;
    private readonly ModelProcess _model;
    private readonly TimeProvider _time;
    private readonly Dictionary<Victim, StoreVictim> _stores;

    /// <summary>When the submitters were started.</summary>
    private DateTimeOffset _began;

    private RigProcesses(
        RedisServer redis, PostgresServer postgres, RabbitMqServer broker, string database, UpstreamProcess upstream, ModelProcess model,
        string folder, RigOptions options, TimeProvider time)
    {
        (_redis, _postgres, _broker, _model, _time, Upstream) = (redis, postgres, broker, model, time, upstream);
        _began = time.GetUtcNow();

        // Without a pool: a pooled connection from before a fault would fail at its next use.
        Database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Pooling = false });
        _stores = new() { [Victim.Redis] = new(redis, time), [Victim.Postgres] = new(postgres, time), [Victim.Broker] = new(broker, time) };
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48));
        var shared = new Dictionary<string, string?>(options.Knobs)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__redis"] = redis.ConnectionString,
            ["ConnectionStrings__sendcatdb"] = database,
            ["ConnectionStrings__messaging"] = broker.ConnectionString,
        };
        var programs = new Dictionary<string, string?>([.. shared, .. SimulatedGoogle.Settings(model.Address)]);
        Workers = [.. Enumerable.Range(0, options.Workers).Select(index => new ProgramVictim(
            $"worker {index}", start => new ProcessSpec(ProgramOf("Sendcat.ToolWorker", options))
        {
            LogFile = Path.Combine(folder, $"worker-{index}.log"),
            Environment = new Dictionary<string, string?>(programs)
            {
                ["AUTH_SIGNING_KEY"] = key,
                ["SERPER_BASE_URL"] = upstream.AddressFor(index, start),
                ["EBAY_BASE_URL"] = upstream.AddressFor(index, start),
                ["SERPER_API_KEY"] = "rig",
                ["EBAY_CLIENT_ID"] = "rig",
                ["EBAY_CLIENT_SECRET"] = "rig",
                ["OPENROUTER_API_KEY"] = "rig",
                ["OPENROUTER_BASE_URL"] = model.BaseUrl,
                ["WHATSAPP_ACCESS_TOKEN"] = "rig",
                ["WHATSAPP_PHONE_NUMBER_ID"] = SimulatedMeta.PhoneNumberId,
                ["WHATSAPP_GRAPH_BASE_URL"] = new Uri(model.Address, "graph").ToString(),
            },
        }, time))];
        Submitters = [.. Enumerable.Range(0, options.Submitters).Select(index => new ProgramVictim(
            $"submitter {index}", _ => new ProcessSpec(BuiltProgram.Of("Sendcat.KillRig"), [
            "submitter", "--index", Number(index), "--ledger", Path.Combine(folder, $"submitter-{index}.ledger"),
            "--rate", ((double)options.Rate / options.Submitters).ToString(CultureInfo.InvariantCulture),
            "--poison", .. PoisonTimes(options, index, _began).DefaultIfEmpty(0).Select(at => Number(at))])
        {
            LogFile = Path.Combine(folder, $"submitter-{index}.log"),
            Environment = shared,
        }, time))];
        Uri[] addresses = [.. Enumerable.Range(0, options.Replicas).Select(
            _ => new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/")))];
        Replicas = [.. addresses.Select((address, index) => new ProgramVictim(
            $"api {index}", _ => new ProcessSpec(ProgramOf("Sendcat.ApiService", options))
        {
            LogFile = Path.Combine(folder, $"api-{index}.log"),
            Environment = new Dictionary<string, string?>([.. programs, .. options.ReplicaKnobs])
            {
                ["ASPNETCORE_URLS"] = address.ToString(),
                ["AUTH_SIGNING_KEY"] = key,
                ["OPENROUTER_API_KEY"] = "rig",
                ["OPENROUTER_BASE_URL"] = model.BaseUrl,
                ["WHATSAPP_APP_SECRET"] = SimulatedMeta.AppSecret,
                ["WHATSAPP_PHONE_NUMBER_ID"] = SimulatedMeta.PhoneNumberId,
                ["AUTH_CONFIRMED_DOMAINS"] = RigAccount.ConfirmedDomain,
                ["SENDCAT_ROLLOUT_STAGE"] = "dev-enforce",
                ["RATE_LIMIT_ANON_SESSION_MAX"] = "1000000",
                ["RATE_LIMIT_THREAD_CREATE_MAX"] = "100000",
                ["RATE_LIMIT_CHAT_IP_MAX"] = "1000000",
                ["READS_PER_ADDRESS_PER_MIN"] = "10000000",
                ["THREADS_PER_GUEST_MAX"] = "1000000",
                ["ADMISSION_ADDRESS_MAX_INFLIGHT_PCT"] = "100",
                ["ADMISSION_GUEST_MAX_INFLIGHT_PCT"] = "100",
            },
        }, time))];
        Addresses = addresses;
        Users = new(addresses, options.People, time);
        Meta = new(addresses, options.MessageRate, time);
        Google = new(addresses, model.Address, options.MailRate, time);
    }

    public NpgsqlDataSource Database { get; }

    public UpstreamProcess Upstream { get; }

    public IReadOnlyList<ProgramVictim> Workers { get; }

    public IReadOnlyList<ProgramVictim> Submitters { get; }

    public IReadOnlyList<ProgramVictim> Replicas { get; }

    /// <summary>The addresses of <see cref="Replicas"/>.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    public SimulatedUsers Users { get; }

    public SimulatedMeta Meta { get; }

    public SimulatedGoogle Google { get; }

    /// <summary>The emulator that is the model provider, the Graph API and Google.</summary>
    public Uri Upstreams => _model.Address;

    public IEnumerable<(string Name, StoreServer Store)> StoresByName =>
        [("Postgres", _postgres), ("Redis", _redis), ("RabbitMQ", _broker)];

    public string Redis => _redis.ConnectionString;

    public IEnumerable<string> UnexpectedExits =>
        Workers.Concat(Submitters).Concat(Replicas).SelectMany(program => program.UnexpectedExits);

    public static async Task<RigProcesses> StartAsync(
        RigOptions options, string folder, TimeProvider time, CancellationToken cancellationToken)
    {
        var (cache, database, messaging, upstream, model) = (
            RedisServer.StartAsync(), PostgresServer.StartAsync(durable: true), RabbitMqServer.StartAsync(),
            UpstreamProcess.StartAsync(folder), ModelProcess.StartAsync());
        await Task.WhenAll(cache, database, messaging, upstream, model);
        var connectionString = await (await database).CreateDatabaseAsync();
        var processes = new RigProcesses(
            await cache, await database, await messaging, connectionString, await upstream, await model, folder, options, time);
        await ReliabilityDatabase.MigrateAsync(processes.Database, cancellationToken);
        await Audit.InstallAsync(processes.Database, cancellationToken);
        await Task.WhenAll(processes.Workers.Concat(processes.Replicas).Select(program => program.StartAsync()));
        processes._began = time.GetUtcNow();
        await Task.WhenAll(processes.Submitters.Select(submitter => submitter.StartAsync()));
        processes.Users.Start();
        if (options.MessageRate > 0)
        {
            await processes.Meta.LinkAsync(cancellationToken);
            processes.Meta.Start();
        }

        if (options.MailRate > 0)
        {
            await processes.Google.ConnectAsync(cancellationToken);
            processes.Google.Start();
        }

        return processes;
    }

    public IVictim VictimOf(Fault fault) =>
        fault.Victim switch
        {
            Victim.Worker => Workers[fault.Index],
            Victim.Submitter => Submitters[fault.Index],
            Victim.Api => Replicas[fault.Index],
            _ => _stores[fault.Victim],
        };

    /// <summary>Waits until the worker runs a job that started more than 20 ms ago, so that the kill interrupts a job.</summary>
    public async Task WaitUntilBusyAsync(ProgramVictim worker, CancellationToken cancellationToken)
    {
        await using var command = Database.CreateCommand(
            "SELECT count(*) FROM reliability.tool_jobs WHERE status = 'running' AND started_at < clock_timestamp() - interval '20 ms' "
            + "AND split_part(lease_owner, ':', 2) = $1");
        var process = new NpgsqlParameter<string> { TypedValue = "" };
        command.Parameters.Add(process);
        do
        {
            // A poisonous job may kill this worker meanwhile: it then has another process id.
            process.TypedValue = Number(worker.ProcessId);
        }
        while (await command.ExecuteScalarAsync(cancellationToken) is 0L);
    }

    /// <summary>Deletes all tool job queues of the broker.</summary>
    public async Task DeleteQueuesAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await using var connection = await new ConnectionFactory { Uri = new Uri(_broker.ConnectionString) }
                    .CreateConnectionAsync(cancellationToken);
                await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                foreach (var lane in QueuedTool.All.Select(tool => tool.Lane))
                {
                    await channel.QueueDeleteAsync(ToolJobTopology.QueueOf(lane.Tool), cancellationToken: cancellationToken);
                }

                return;
            }
            catch (RabbitMQClientException) when (tries < 20)
            {
                // The broker is not running at this moment because of another fault.
                await Task.Delay(TimeSpan.FromSeconds(1), _time, cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Users.DisposeAsync();
        await Meta.DisposeAsync();
        await Google.DisposeAsync();
        foreach (var program in Submitters.Concat(Replicas).Concat(Workers))
        {
            await program.DisposeAsync();
        }

        await Upstream.DisposeAsync();
        await _model.DisposeAsync();
        await Database.DisposeAsync();
        foreach (var store in _stores.Values)
        {
            store.Dispose();
        }

        await _redis.DisposeAsync();
        await _broker.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private static string ProgramOf(string project, RigOptions options) =>
        options.Published ? BuiltProgram.PublishedOf(project) : BuiltProgram.Of(project);

    /// <summary>The times of the poisonous jobs of one submitter (Unix time, ms).</summary>
    private static IEnumerable<long> PoisonTimes(RigOptions options, int index, DateTimeOffset began)
    {
        var number = 0;
        for (var at = options.PoisonEvery / 10; number == 0 || at < options.Length; at += options.PoisonEvery)
        {
            if (number++ % options.Submitters == index)
            {
                yield return (began + at).ToUnixTimeMilliseconds();
            }
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
