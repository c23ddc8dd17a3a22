using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>
/// A RabbitMQ node. It starts in some seconds. It has its own name, ports, HOME (Erlang cookie) and port mapper, so that it cannot
/// interfere with another node of the machine. Durable queues survive a stop, a kill and a restart.
/// </summary>
public sealed class RabbitMqServer : StoreServer
{
    private const int VirtualHostsPerBatch = 12;

    private readonly int _mapperPort = FreePort.Next();
    private readonly int _distributionPort = FreePort.Next();
    private readonly string _server;
    private readonly string _control;
    private readonly string _mapper;
    private readonly SemaphoreSlim _creating = new(1, 1);
    private readonly Queue<string> _unused = [];
    private TestProcess? _portMapper;
    private int _lastVirtualHost;

    private RabbitMqServer()
        : base(new TestFolder("rabbitmq"))
    {
        // Debian's programs in PATH require the account and the files of the service. The programs in this folder read both from the
        // environment.
        const string debian = "/usr/lib/rabbitmq/bin";
        _server = Executable.Require("rabbitmq-server", "rabbitmq-server", debian);
        _control = Executable.Require("rabbitmqctl", "rabbitmq-server", debian);
        _mapper = Executable.Require("epmd", "rabbitmq-server");
    }

    /// <summary>The connection string of the virtual host <c>/</c> with the user guest.</summary>
    public string ConnectionString => ConnectionStringOf("");

    private protected override UnixSignal StopSignal => UnixSignal.Terminate;

    private protected override TimeSpan StartTimeout => TimeSpan.FromMinutes(5);

    private string NodeName => string.Create(CultureInfo.InvariantCulture, $"sendcat-test-{_distributionPort}@localhost");

    public static Task<RabbitMqServer> StartAsync() => StartFirstAsync(new RabbitMqServer());

    /// <summary>
    /// Creates a virtual host for one test. rabbitmqctl needs a second of CPU time to start, so one call creates twelve virtual hosts.
    /// </summary>
    /// <returns>The connection string of the virtual host.</returns>
    public async Task<string> CreateVirtualHostAsync()
    {
        await _creating.WaitAsync();
        try
        {
            if (_unused.Count == 0)
            {
                var first = _lastVirtualHost + 1;
                _lastVirtualHost += VirtualHostsPerBatch;
                await ControlAsync("eval", string.Create(CultureInfo.InvariantCulture, $"""
                    [begin Name = iolist_to_binary(["test-", integer_to_list(N)]), ok = rabbit_vhost:add(Name, <<"test">>),
                    ok = rabbit_auth_backend_internal:set_permissions(<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"test">>) end || N <- lists:seq({first}, {_lastVirtualHost})].
                    """));
                for (var n = first; n <= _lastVirtualHost; n++)
                {
                    _unused.Enqueue(string.Create(CultureInfo.InvariantCulture, $"test-{n}"));
                }
            }

            return ConnectionStringOf(_unused.Dequeue());
        }
        finally
        {
            _creating.Release();
        }
    }

    /// <summary>Runs <c>rabbitmqctl</c> against this node.</summary>
    public Task<string> ControlAsync(params string[] arguments) =>
        TestProcess.RunAsync(new ProcessSpec(_control, ["--quiet", "--node", NodeName, .. arguments])
        {
            Environment = Variables,
            WorkingDirectory = Folder.Path,
        });

    public override async Task KillAsync()
    {
        await base.KillAsync();
        if (_portMapper is { } running)
        {
            _portMapper = null;
            await running.DisposeAsync();
        }
    }

    private protected override bool IsReadyLine(string line) => line.Contains("Server startup complete", StringComparison.Ordinal);

    private protected override async Task<ProcessSpec> PrepareAsync()
    {
        await File.WriteAllTextAsync(Folder["rabbitmq.conf"], string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{Port}
            num_acceptors.tcp = 2
            disk_free_limit.absolute = 50MB
            log.console = true
            log.console.level = info
            log.file = false
            """) + "\n");
        await File.WriteAllTextAsync(Folder["enabled_plugins"], "[].\n");
        await File.WriteAllTextAsync(Folder["env.conf"], "");

        // The port mapper runs in the foreground as a child process. Otherwise Erlang starts it as a daemon that keeps running after the
        // tests.
        _portMapper ??= await TestProcess.StartAsync(
            new ProcessSpec(_mapper, "-address", "127.0.0.1", "-port", _mapperPort.ToString(CultureInfo.InvariantCulture)));
        return new ProcessSpec(_server) { Environment = Variables, WorkingDirectory = Folder.Path };
    }

    private string ConnectionStringOf(string virtualHost) =>
        string.Create(CultureInfo.InvariantCulture, $"amqp://guest:guest@127.0.0.1:{Port}/{virtualHost}");

    private Dictionary<string, string?> Variables => new()
    {
        ["HOME"] = Folder.Path,
        ["ERL_EPMD_PORT"] = _mapperPort.ToString(CultureInfo.InvariantCulture),
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_NODENAME"] = NodeName,
        ["RABBITMQ_DIST_PORT"] = _distributionPort.ToString(CultureInfo.InvariantCulture),
        ["RABBITMQ_CONF_ENV_FILE"] = Folder["env.conf"],
        ["RABBITMQ_CONFIG_FILE"] = Folder["rabbitmq.conf"],
        ["RABBITMQ_ADVANCED_CONFIG_FILE"] = Folder["advanced.config"],
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Folder["enabled_plugins"],
        ["RABBITMQ_MNESIA_BASE"] = Folder["mnesia"],
        ["RABBITMQ_LOG_BASE"] = Folder["log"],
        ["RABBITMQ_LOGS"] = "-",
        ["RABBITMQ_GENERATED_CONFIG_DIR"] = Folder["config"],
        ["RABBITMQ_PID_FILE"] = Folder["pid"],

        // The start script then replaces itself with the Erlang machine, so that the parent-death signal reaches the Erlang machine.
        ["RUNNING_UNDER_SYSTEMD"] = "true",

        // Idle schedulers must not spin, because the machine also runs the code under test.
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
        ["RABBITMQ_CTL_ERL_ARGS"] = "+S 1:1 +sbwt none",
    };
}
