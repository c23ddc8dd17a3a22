using System.Globalization;

namespace Sendcat.AppHost;

/// <summary>
/// One run of this checkout on this machine. It holds two file locks until the process ends, also when it is killed: the lock of the state
/// folder allows one run per checkout;
/// the lock of the port block keeps two checkouts that start at the same time from choosing the same block.
/// </summary>
internal sealed class LocalRun : IDisposable
{
    private const string RunningFile = "running";
    private const string BaseSetting = "SENDCAT_PORT_BASE";

    /// <summary>Time allowed for DCP to end the processes of an AppHost that was killed.</summary>
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromSeconds(40);

    private readonly List<FileStream> _locks = [];
    private readonly LocalState _state;

    private LocalRun(LocalState state) => _state = state;

    /// <summary>The ports of this run; null when the run was refused.</summary>
    public LocalPorts? Ports { get; private init; }

    /// <summary>Why the run cannot start, and what to do about it; null when it can start.</summary>
    public string? Refusal { get; private init; }

    /// <summary>
    /// Reserves the state folder and the ports, writes the base port to <c>.sendcat/port-base</c>, and configures the addresses of the
    /// dashboard.
    /// </summary>
    public static async Task<LocalRun> BeginAsync(IDistributedApplicationBuilder builder)
    {
        var state = LocalState.Of(builder);
        Directory.CreateDirectory(state.Folder);
        if (TryLock(state.File("run.lock")) is not { } own)
        {
            return Refused(state, $"This checkout runs already (state folder {state.Folder}); ./sendcat down stops it.");
        }

        var given = builder.Configuration[BaseSetting];
        var run = string.IsNullOrEmpty(given) ? await ChooseBaseAsync(state) : await TakeBaseAsync(state, given);
        run._locks.Add(own);
        if (run.Ports is { } ports)
        {
            state.Write("port-base", Text(ports.Base));
            state.Write(RunningFile, Text(Environment.ProcessId));

            // Every process of this run inherits the variable through DCP. ./sendcat down and the tests use it to find processes that are
            // still running.
            Environment.SetEnvironmentVariable("SENDCAT_RUN", state.Folder);
            builder.Configuration["ASPNETCORE_URLS"] = $"http://localhost:{ports.Dashboard}";
            builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://localhost:{ports.DashboardOtlp}";
            builder.Configuration["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://localhost:{ports.DashboardResources}";
        }

        return run;
    }

    public void Dispose()
    {
        if (Ports is not null)
        {
            File.Delete(_state.File(RunningFile));
        }

        _locks.ForEach(file => file.Dispose());
    }

    private static async Task<LocalRun> TakeBaseAsync(LocalState state, string given)
    {
        if (!int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return Refused(state, $"{BaseSetting} must be a number, not '{given}'.");
        }

        var ports = new LocalPorts(number);
        if (ports.Problem() is { } problem)
        {
            return Refused(state, problem);
        }

        await WaitForKilledRunAsync(state, ports);
        if (TryReserve(state, ports) is { } reserved)
        {
            return reserved;
        }

        var taken = string.Join(", ", ports.Taken().Select(port => $"{port.Port} ({port.Use})"));
        var wayOut = $"{BaseSetting} moves all ports, for example {BaseSetting}={Text(Suggestion(number))}.";
        return Refused(state, taken.Length > 0
            ? $"Ports that this run needs are taken: {taken}. Stop what listens there; or {wayOut}"
            : $"Another run has reserved the ports from {number}. {wayOut}");
    }

    private static async Task<LocalRun> ChooseBaseAsync(LocalState state)
    {
        IEnumerable<int> candidates = LocalPorts.DefaultBases;
        if (int.TryParse(state.Read("port-base"), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && new LocalPorts(last).Problem() is null)
        {
            await WaitForKilledRunAsync(state, new LocalPorts(last));
            candidates = candidates.Prepend(last);
        }

        foreach (var candidate in candidates)
        {
            if (TryReserve(state, new LocalPorts(candidate)) is { } reserved)
            {
                return reserved;
            }
        }

        return Refused(
            state,
            $"No block of {LocalPorts.Block} ports is free from {LocalPorts.DefaultBases[0]} to {LocalPorts.DefaultBases[^1]}; "
            + $"choose one with {BaseSetting}.");
    }

    /// <summary>
    /// Waits while ports of a killed run are still taken. A killed AppHost cannot remove its <c>running</c> file, and DCP may still be
    /// ending its processes.
    /// </summary>
    private static async Task WaitForKilledRunAsync(LocalState state, LocalPorts ports)
    {
        if (state.Read(RunningFile) is null || state.Read("port-base") != Text(ports.Base) || ports.Taken() is [])
        {
            return;
        }

        Console.Error.WriteLine(
            $"The ports from {ports.Base} are still taken; waiting up to {CleanupTimeout.TotalSeconds:0} s for the processes of an earlier "
            + "run to end.");
        var began = TimeProvider.System.GetTimestamp();
        while (ports.Taken() is [_, ..] && TimeProvider.System.GetElapsedTime(began) < CleanupTimeout)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        }
    }

    private static LocalRun? TryReserve(LocalState state, LocalPorts ports)
    {
        if (ports.Taken() is [_, ..] || TryLock(LockOf(ports)) is not { } block)
        {
            return null;
        }

        var run = new LocalRun(state) { Ports = ports };
        run._locks.Add(block);
        return run;
    }

    private static LocalRun Refused(LocalState state, string why) => new(state) { Refusal = why };

    private static int Suggestion(int number) =>
        LocalPorts.DefaultBases.First(candidate => candidate != number && new LocalPorts(candidate).Taken() is []);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string LockOf(LocalPorts ports) =>
        Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"sendcat-ports-{ports.Base}.lock"));

    /// <summary>
    /// An exclusive lock, which the operating system releases when this process ends; null when another process holds the lock or another
    /// user owns the file.
    /// </summary>
    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
