using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Snapshot;

/// <summary>
/// Shows this process to operators: every two seconds it writes its status to Redis and reads whether it is drained or restarted. It marks
/// its start and its end in the timeline. While Redis is unavailable, a drained process stays drained. For a restart the process ends
/// itself; what has started it starts it again.
/// </summary>
/// <param name="host">Null in a container without a host, which does not restart.</param>
internal sealed class ProcessPresence(
    IEnumerable<IProcessLoad> loads, Drain drain, Circuits.Circuits circuits, IncidentMarks marks, IConnectionMultiplexer redis,
        ReplicaId replica,
    TimeProvider time, StoreOutages outages, ILogger<ProcessPresence> logger, IHostApplicationLifetime? host = null) : BackgroundService
{
    /// <summary>The field of a process that an operator has resumed, until the process has seen it.</summary>
    public const string Resumed = "resumed";

    private const string Work = "Status of the process";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StatusTtl = TimeSpan.FromSeconds(15);

    private readonly IProcessLoad? _load = loads.SingleOrDefault();
    private readonly WorkOutage _outage = new(Work, outages.Redis, logger, time);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private bool _stops;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (_load is { } load)
        {
            var (id, version) = (replica.ToString(), VersionOf(load));
            marks.Record(new(IncidentKind.ProcessStarted, SubjectOf(load), "Started", IncidentMarks.Started(id))
            {
                Detail = string.Create(CultureInfo.InvariantCulture,
                    $"{version} on {Environment.MachineName}, process {Environment.ProcessId}"),
            });
            marks.Record(
                new(IncidentKind.Deployment, load.Kind, $"{load.Kind} {version}", $"deployment|{load.Kind}|{id}") { Detail = version });
        }

        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_load is { } load)
        {
            marks.Record(new(IncidentKind.ProcessStopped, SubjectOf(load), "Stopped", IncidentMarks.Stopped(replica.ToString())));
        }
    }

    /// <summary>One round: writes the status, and begins or ends the drain.</summary>
    internal async Task ReportAsync(IProcessLoad load, CancellationToken cancellationToken)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            var (id, database) = (replica.ToString(), redis.GetDatabase());
            var order = (string?)await database.HashGetAsync(RedisKeys.DrainedProcesses, id)
                .WaitAsync(ResponseTimeout, time, cancellationToken);
            Follow(order, load);

            // Its status has what it follows before the order is deleted, so that operators never read a state of before.
            var status = new ProcessStatus(
                load.Kind, VersionOf(load), Environment.MachineName, Environment.ProcessId, _startedAt, time.GetUtcNow(), drain.IsOn,
                load.Read(), circuits.States());
            await database.StringSetAsync(
                    RedisKeys.ProcessStatus(id), JsonSerializer.Serialize(status, ProcessJson.Default.ProcessStatus), StatusTtl)
                .WaitAsync(ResponseTimeout, time, cancellationToken);
            if (order == Resumed)
            {
                // Unless it was drained again meanwhile.
                var deletion = database.CreateTransaction();
                deletion.AddCondition(Condition.HashEqual(RedisKeys.DrainedProcesses, id, Resumed));
                _ = deletion.HashDeleteAsync(RedisKeys.DrainedProcesses, id);
                await deletion.ExecuteAsync().WaitAsync(ResponseTimeout, time, cancellationToken);
            }

            _outage.Ends();
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            if (_outage.Begins(exception))
            {
                logger.StatusUnwritten(exception.Message);
            }
        }
    }

    /// <summary>Drains, resumes or stops the process. Redis may have lost an order; only an operator ends a drain.</summary>
    private void Follow(string? text, IProcessLoad load)
    {
        if (text is null)
        {
            return;
        }

        if (text == Resumed ? drain.End() : drain.Begin())
        {
            logger.DrainChanged(drain.IsOn ? "drained" : "resumed");

            // A turn or job that was just being admitted is seen by the next round.
            return;
        }

        if (text != Resumed && Processes.Order(text)?.StopsBy is { } stopsBy && !_stops
            && load.Read() is var running && (running.IsIdle || time.GetUtcNow() >= stopsBy))
        {
            _stops = true;
            logger.Restarting(running.Turns ?? 0, running.Jobs ?? 0);
            host?.StopApplication();
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _load is not { } load
            ? Task.CompletedTask
            : new BackgroundLoop(Work, logger, time).RepeatAsync(
                async cancellationToken =>
                {
                    await ReportAsync(load, cancellationToken);
                    await Task.Delay(Period, time, cancellationToken);
                },
                stoppingToken);

    private string SubjectOf(IProcessLoad load) => $"{load.Kind} {replica}";

    /// <summary>Two builds of the same version differ in the id of the build.</summary>
    private static string VersionOf(IProcessLoad load)
    {
        var program = load.GetType().Assembly;
        var version = program.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
        return $"{version} ({program.ManifestModule.ModuleVersionId.ToString("N")[..8]})";
    }
}
