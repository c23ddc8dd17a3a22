using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.KillRig.Incidents;

/// <summary>One fault of a running system, and the alerts that may name its cause.</summary>
/// <param name="Name">As in docs/runbook.md.</param>
/// <param name="Alerts">The kinds of alerts (docs/alerts.md) that name this cause; one of them is enough.</param>
/// <param name="Names">A word that the alert's subject or cause must contain.</param>
/// <param name="EndedBy">What ends it, for the report.</param>
/// <param name="Play">Causes the fault. The returned function ends it.</param>
internal sealed record Incident(
    string Name, IReadOnlyList<string> Alerts, string Names, string EndedBy,
    Func<LocalSystem, IncidentTraffic, CancellationToken, Task<Func<Task>>> Play)
{
    /// <summary>The incidents of docs/runbook.md that can be played without a change of the configuration.</summary>
    public static IReadOnlyList<Incident> All { get; } =
    [
        new(
            "provider-503", ["circuit_open", "circuit_open_long", "turns_bad"], "provider",
            "the provider answers again, and a probe closes the circuits",
            (system, _, _) => DirectAsync(system, "openrouter", "[[emu status=503]]")),
        new(
            "provider-slow", ["first_token_slow", "turns_bad"], "first token", "the provider answers in time again",
            (system, _, _) => DirectAsync(system, "openrouter", "[[emu first=45s]]")),
        new(
            "shops-down", ["circuit_open", "circuit_open_long", "tool_queue", "partial_results"], "",
            "the shops answer again, probes close the circuits, and the operator requeues the dead letters", TakeShopsDownAsync),
        new(
            "worker-lost", ["worker_silent", "process_died"], "worker",
            "another worker takes the jobs, the killed one is started again, the frozen one goes on", LoseWorkersAsync),
        new("redis-emptied", ["redis_emptied"], "Redis", "nothing had to be done", EmptyRedisAsync),
        new("flood", ["rate_limit_blocked", "turns_bad"], "", "the caller stops", FloodAsync),
    ];

    public bool IsNamedBy(RaisedAlert alert) =>
        Alerts.Contains(alert.Kind) && $"{alert.Subject} {alert.Cause}".Contains(Names, StringComparison.OrdinalIgnoreCase);

    private static async Task<Func<Task>> DirectAsync(LocalSystem system, string root, string markers)
    {
        await system.DirectAsync(root, markers);
        return () => system.DirectAsync(root);
    }

    private static async Task<Func<Task>> TakeShopsDownAsync(
        LocalSystem system, IncidentTraffic traffic, CancellationToken cancellationToken)
    {
        await system.DirectAsync("rest", "[[emu at=serper status=503]] [[emu at=ebay status=503]] [[emu at=serpapi status=503]]");
        return async () =>
        {
            await system.DirectAsync("rest");
            await system.RequeueDeadLettersAsync();
        };
    }

    /// <summary>Kills one worker and freezes another one while both hold jobs, because the shops respond slowly.</summary>
    private static async Task<Func<Task>> LoseWorkersAsync(LocalSystem system, IncidentTraffic traffic, CancellationToken cancellationToken)
    {
        await system.DirectAsync("rest", "[[emu at=serper headers=6s]] [[emu at=ebay/search headers=6s]]");
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellationToken);
        var workers = system.ProcessesOf("Sendcat.ToolWorker");
        UnixSignal.Kill.SendTo(workers[0]);
        UnixSignal.Stop.SendTo(workers[1]);
        return async () =>
        {
            UnixSignal.Continue.SendTo(workers[1]);
            await system.DirectAsync("rest");
        };
    }

    private static async Task<Func<Task>> EmptyRedisAsync(LocalSystem system, IncidentTraffic traffic, CancellationToken cancellationToken)
    {
        await using var redis = await system.ConnectRedisAsync();
        await redis.GetServers()[0].FlushAllDatabasesAsync();
        return () => Task.CompletedTask;
    }

    private static Task<Func<Task>> FloodAsync(LocalSystem system, IncidentTraffic traffic, CancellationToken cancellationToken)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var flood = traffic.FloodAsync(stop.Token);
        return Task.FromResult<Func<Task>>(async () =>
        {
            await stop.CancelAsync();
            await flood;
            stop.Dispose();
        });
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({string.Join(", ", Alerts)})");
}
